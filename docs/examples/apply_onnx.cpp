// Reads rows of features from the standard input, prints what a model made by `hitforge export` says of each.
// c++ -std=c++17 apply_onnx.cpp -I$ORT_ROOT/include -L$ORT_ROOT/lib -lonnxruntime -o apply_onnx
#include <onnxruntime_cxx_api.h>

#include <iostream>
#include <string>
#include <vector>

int main(int, char** argv) {
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "hitforge");
  Ort::Session session(env, argv[1], Ort::SessionOptions{});
  Ort::AllocatorWithDefaultOptions allocator;
  std::cout << "# columns of a row: "
            << session.GetModelMetadata().LookupCustomMetadataMapAllocated("feature_names", allocator).get() << "\n";

  // any number of events at once; a missing value is a nan
  std::vector<float> rows;
  for (std::string word; std::cin >> word;) rows.push_back(std::stof(word));
  const auto width = session.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape()[1];
  const int64_t shape[] = {static_cast<int64_t>(rows.size()) / width, width};
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  auto input = Ort::Value::CreateTensor<float>(memory, rows.data(), rows.size(), shape, 2);

  const char* inputs[] = {"features"};
  for (size_t k = 0; k < session.GetOutputCount(); ++k) {
    const auto name = session.GetOutputNameAllocated(k, allocator);
    const char* outputs[] = {name.get()};
    const auto found = session.Run(Ort::RunOptions{nullptr}, inputs, &input, 1, outputs, 1);
    const float* values = found[0].GetTensorData<float>();
    std::cout << name.get();
    for (size_t i = 0; i < found[0].GetTensorTypeAndShapeInfo().GetElementCount(); ++i) std::cout << " " << values[i];
    std::cout << "\n";
  }
}
