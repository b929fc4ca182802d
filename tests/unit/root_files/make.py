"""Make the files of this folder with ROOT itself, which writes what uproot cannot.

Run in an environment of its own: ``pip install root`` (6.40 was used), then ``python make.py FOLDER`` in this folder.
The files are small: a few entries with numbers that the tests know. FOLDER has a part of each layout, made before with

    for name, (_, write, file) in tests.unit.small_parts.LAYOUTS.items():
        file.endswith(".root") and write(FOLDER / f"{name}.root", 8)

ROOT makes ``<layout>_ttree.root`` and ``<layout>_rntuple.root`` of them, with the same entries.
"""

import os
import sys
from pathlib import Path

import ROOT

CODE = r"""
#include <vector>
#include "TFile.h"
#include "TTree.h"
#include "ROOT/TIOFeatures.hxx"

// Branch kinds: entry e has 2 + e list elements; numbers are 0.125 (k + 1) + e
void kinds() {
  TFile f("kinds.root", "recreate", "", 505);
  TTree t("t", "");
  Int_t n; Double32_t d[4]; Float16_t h[4]; float x[4]; double y[4]; int i[4]; Long64_t l[4]; bool o[4];
  UChar_t u[4]; char c[8] = "abc"; struct { float p; int q; } pq;
  t.Branch("n", &n, "n/I");
  t.Branch("x", x, "x/F"); t.Branch("x_list", x, "x_list[n]/F"); t.Branch("x_array", x, "x_array[4]/F");
  t.Branch("y_list", y, "y_list[n]/D"); t.Branch("i", i, "i/I"); t.Branch("l", l, "l/L"); t.Branch("o", o, "o/O");
  t.Branch("u_list", u, "u_list[n]/b"); t.Branch("text", c, "text/C"); t.Branch("two", &pq, "p/F:q/I");
  t.Branch("d", d, "d/d"); t.Branch("d_list", d, "d_list[n]/d"); t.Branch("d_array", d, "d_array[4]/d");
  t.Branch("d_range", d, "d_range/d[0,10,16]"); t.Branch("d_range_list", d, "d_range_list[n]/d[0,10,16]");
  t.Branch("d_range_array", d, "d_range_array[4]/d[0,10,16]"); t.Branch("d_range_2d", d, "d_range_2d[2][2]/d[0,10]");
  t.Branch("d_bits_list", d, "d_bits_list[n]/d[0,0,10]"); t.Branch("h", h, "h/f");
  t.Branch("h_list", h, "h_list[n]/f"); t.Branch("h_range_array", h, "h_range_array[4]/f[0,10,16]");
  t.Branch("x_pairs", x, "x_pairs[n][1]/F");
  std::vector<float> v; t.Branch("v", &v);
  std::vector<std::vector<float>> vv; t.Branch("vv", &vv);
  for (int e = 0; e < 2; e++) {
    n = 2 + e; v.clear(); vv.clear();
    for (int k = 0; k < 4; k++) {
      d[k] = h[k] = x[k] = y[k] = 0.125 * (k + 1) + e; i[k] = l[k] = k - 1; o[k] = k % 2; u[k] = 255 - k;
    }
    pq = {x[0], e};
    for (int k = 0; k < n; k++) v.push_back(x[k]);
    vv.push_back(v);
    t.Fill();
  }
  t.Write();
}

// the compact layout; what is: "good", "short", "offset_map", "old_compression"
void muons(const char* path, TString what) {
  TFile f(path, "recreate", "", what == "old_compression" ? 301 : 505);
  TTree t("muons", "");
  if (what == "offset_map") {
    ROOT::TIOFeatures features;
    features.Set(ROOT::Experimental::EIOFeatures::kGenerateOffsetMap);
    t.SetIOFeatures(features);
  }
  Int_t event, nhit; float e, x, y, hits[64]; signed char q; UShort_t cells[64];
  t.Branch("event", &event, "event/I"); t.Branch("e_true", &e, "e_true/F"); t.Branch("x0", &x, "x0/F");
  t.Branch("y0", &y, "y0/F"); t.Branch("charge", &q, "charge/B"); t.Branch("nhit", &nhit, "nhit/I");
  t.Branch("hit_cell", cells, "hit_cell[nhit]/s", 300); t.Branch("hit_e", hits, "hit_e[nhit]/F", 300);
  for (event = 0; event < 4; event++) {
    e = 100 + event; x = 0.5 * event; y = -0.5 * event; q = event % 2 ? 1 : -1; nhit = 40 + event;
    for (int k = 0; k < nhit; k++) { cells[k] = 10 * k + event; hits[k] = 0.125 * (k + 1); }
    t.Fill();
  }
  if (what == "short") for (int k = 0; k < 2; k++) t.GetBranch("x0")->Fill();
  t.Write();
}

// one branch of each study whose bytes are packed, and one that has fewer entries than its tree
void b4() {
  TFile f("b4_packed.root", "recreate", "", 209);
  TTree t("B4", "");
  static Double32_t cells[51200]; double e = 100, x = 1, y = 2;
  t.Branch("true_energy", &e, "true_energy/D"); t.Branch("true_x", &x, "true_x/D"); t.Branch("true_y", &y, "true_y/D");
  t.Branch("rechit_energy", cells, "rechit_energy[51200]/d[0,10,16]");
  cells[7] = 0.5;
  for (int k = 0; k < 2; k++) t.Fill();
  t.GetBranch("true_y")->Fill();
  t.Write();
}

void roads() {
  TFile f("roads_packed.root", "recreate", "", 505);
  TTree t("muons", "");
  Double32_t v[87]; float p[3] = {0.1, 0.2, 1.5}; ULong64_t event = 0;
  for (int k = 0; k < 87; k++) v[k] = k % 4;
  t.Branch("variables", v, "variables[87]/d[-10,10,20]"); t.Branch("parameters", p, "parameters[3]/F");
  t.Branch("event", &event, "event/l");
  for (; event < 3; event++) t.Fill();
  t.GetBranch("parameters")->Fill();
  t.Write();
}

void objects() {
  TFile f("objects_packed.root", "recreate", "", 505);
  TTree t("objects", "");
  Double32_t em[256] = {1, 2}; float had[256] = {1}, pt = 30, eta = 0.1, phi = 0.2, w = 1;
  int label = 0, n_prong = -1, parton = 0, proc = 0, npv = 20; ULong64_t event = 0;
  t.Branch("em", em, "em[256]/d[0,100,16]"); t.Branch("had", had, "had[256]/F");
  t.Branch("pt", &pt, "pt/F"); t.Branch("eta", &eta, "eta/F"); t.Branch("phi", &phi, "phi/F"); t.Branch("w", &w, "w/F");
  t.Branch("label", &label, "label/I"); t.Branch("n_prong", &n_prong, "n_prong/I");
  t.Branch("parton", &parton, "parton/I"); t.Branch("proc", &proc, "proc/I"); t.Branch("npv", &npv, "npv/I");
  t.Branch("event", &event, "event/l");
  for (; event < 3; event++) t.Fill();
  t.GetBranch("had")->Fill();
  t.Write();
}

void egamma() {
  TFile f("egamma_packed.root", "recreate", "", 505);
  TTree t("egamma", "");
  Double32_t matrix[25] = {1, 2}; ULong64_t event = 0; Float16_t pse = 1;
  const char* floats[] = {"gen_pt", "gen_eta", "gen_phi", "e_reco", "pt", "eta", "phi", "raw_energy",
    "detain", "dphiin", "ooemoop", "fbrem", "trkpt", "trketa", "trkphi", "trkq"};
  static float x[16]; static short s[5] = {5, 5, 0, 1, 1};
  const char* words[] = {"ieta", "iphi", "dead_5x5", "is_electron", "is_EB"};
  for (int k = 0; k < 16; k++) { x[k] = 1 + k; t.Branch(floats[k], x + k, TString(floats[k]) + "/F"); }
  for (int k = 0; k < 5; k++) t.Branch(words[k], s + k, TString(words[k]) + "/S");
  t.Branch("energyMatrix", matrix, "energyMatrix[25]/d[0,100,16]"); t.Branch("pse", &pse, "pse/f[0,10,12]");
  t.Branch("event", &event, "event/l");
  for (; event < 3; event++) t.Fill();
  t.GetBranch("iphi")->Fill();
  t.Write();
}
"""

RNTUPLES = r"""
#include <array>
#include <optional>
#include <string>
#include <vector>
#include <ROOT/RField.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
using ROOT::RField; using ROOT::RNTupleModel; using ROOT::RNTupleWriter; using floats = std::array<float, 4>;
using grid = std::array<std::array<float, 2>, 2>;

template <class T> void packed(RNTupleModel& model, std::string name, void (*pack)(RField<T>&)) {
  auto field = std::make_unique<RField<T>>(name); pack(*field); model.AddField(std::move(field));
}
std::unique_ptr<RField<float>> half() {
  auto item = std::make_unique<RField<float>>("_0"); item->SetHalfPrecision(); return item;
}
void late(RNTupleWriter& writer, std::string name) {
  auto updater = writer.CreateModelUpdater();
  updater->BeginUpdate(); updater->AddField(std::make_unique<RField<float>>(name)); updater->CommitUpdate();
}

// field kinds, three clusters of two entries: number k of entry e is 0.1 (k + 1) + e, whole numbers are -e; lists have
// 2 + e elements. "late" has the last entry only.
void rkinds() {
  auto model = RNTupleModel::Create();
  std::vector<std::string> singles = {"x", "x_half", "x_cut", "x_steps", "x_either"};
  std::vector<std::string> doubles = {"y", "y_float", "y_steps"};
  model->MakeField<float>("x"); model->MakeField<double>("y");
  packed<float>(*model, "x_half", [](auto& f) { f.SetHalfPrecision(); });
  packed<float>(*model, "x_cut", [](auto& f) { f.SetTruncated(19); });
  packed<float>(*model, "x_steps", [](auto& f) { f.SetQuantized(13, {-1, 10}); });
  packed<float>(*model, "x_either", [](auto& f) {
    f.SetColumnRepresentatives({{ROOT::ENTupleColumnType::kReal32}, {ROOT::ENTupleColumnType::kReal16}});
  });
  packed<double>(*model, "y_float", [](auto& f) { f.SetDouble32(); });
  packed<double>(*model, "y_steps", [](auto& f) { f.SetQuantized(13, {-1, 10}); });
  auto i8 = model->MakeField<std::int8_t>("i8"); auto u8 = model->MakeField<std::uint8_t>("u8");
  auto i16 = model->MakeField<std::int16_t>("i16"); auto u16 = model->MakeField<std::uint16_t>("u16");
  auto i32 = model->MakeField<std::int32_t>("i32"); auto u32 = model->MakeField<std::uint32_t>("u32");
  auto i64 = model->MakeField<std::int64_t>("i64"); auto u64 = model->MakeField<std::uint64_t>("u64");
  auto c = model->MakeField<char>("c"); auto o = model->MakeField<bool>("o");
  model->MakeField<floats>("x_array"); model->MakeField<grid>("x_grid");
  model->MakeField<std::vector<double>>("y_list");
  model->AddField(std::make_unique<ROOT::RArrayField>("half_array", half(), 4));
  model->AddField(std::make_unique<ROOT::RVectorField>("half_list", half()));
  model->MakeField<ROOT::RVec<float>>("x_list"); model->MakeField<std::vector<bool>>("o_list");
  model->MakeField<std::vector<std::vector<float>>>("lists"); model->MakeField<std::string>("text");
  model->MakeField<std::optional<float>>("maybe"); model->MakeField<std::vector<std::array<float, 2>>>("pairs");
  model->MakeField<std::byte>("byte");
  auto writer = RNTupleWriter::Recreate(std::move(model), "t", "kinds_rntuple.root");
  for (int e = 0; e < 6; e++) {
    if (e == 5) late(*writer, "late");
    auto entry = writer->GetModel().CreateEntry();
    auto number = [&](int k) { return 0.1f * (k + 1) + e; };
    auto fill = [&](auto list) { for (int k = 0; k < 2 + e; k++) list->push_back(number(k)); };
    for (auto& name : singles) *entry->GetPtr<float>(name) = number(0);
    for (auto& name : doubles) *entry->GetPtr<double>(name) = number(0);
    *entry->GetPtr<std::int8_t>("i8") = *entry->GetPtr<std::int16_t>("i16") = *entry->GetPtr<char>("c") = -e;
    *entry->GetPtr<std::int32_t>("i32") = *entry->GetPtr<std::int64_t>("i64") = -e;
    *entry->GetPtr<std::uint8_t>("u8") = *entry->GetPtr<std::uint16_t>("u16") = -e;
    *entry->GetPtr<std::uint32_t>("u32") = *entry->GetPtr<std::uint64_t>("u64") = -e;
    *entry->GetPtr<bool>("o") = e % 2;
    for (int k = 0; k < 4; k++) {
      (*entry->GetPtr<floats>("x_array"))[k] = (*entry->GetPtr<floats>("half_array"))[k] = number(k);
      (*entry->GetPtr<grid>("x_grid"))[k / 2][k % 2] = number(k);
    }
    fill(entry->GetPtr<std::vector<double>>("y_list")); fill(entry->GetPtr<std::vector<float>>("half_list"));
    fill(entry->GetPtr<ROOT::RVec<float>>("x_list")); fill(entry->GetPtr<std::vector<bool>>("o_list"));
    writer->Fill(*entry);
    if (e % 2) writer->CommitCluster();
  }
}

// the muons of muons_good.root; what is: "half" (packed without loss, two clusters), "faults", "empty"
void rmuons(const char* path, TString what) {
  bool faults = what == "faults";
  auto model = RNTupleModel::Create();
  auto event = model->MakeField<std::int32_t>("event"); auto charge = model->MakeField<std::int8_t>("charge");
  if (faults) packed<double>(*model, "e_true", [](auto& f) { f.SetQuantized(20, {0, 1000}); });
  else packed<float>(*model, "e_true", [](auto& f) { f.SetTruncated(20); });
  if (!faults) packed<float>(*model, "x0", [](auto& f) { f.SetHalfPrecision(); });
  if (!faults) packed<float>(*model, "y0", [](auto& f) { f.SetHalfPrecision(); });
  auto nhit = model->MakeField<std::int32_t>("nhit");
  auto cells = model->MakeField<std::vector<std::uint16_t>>("hit_cell");
  model->AddField(std::make_unique<ROOT::RVectorField>("hit_e", half()));
  auto writer = RNTupleWriter::Recreate(std::move(model), "muons", path);
  for (int e = 0; e < (what == "empty" ? 0 : 4); e++) {
    if (faults && e == 3) late(*writer, "x0");
    auto entry = writer->GetModel().CreateEntry();
    *entry->GetPtr<std::int32_t>("event") = e; *entry->GetPtr<std::int8_t>("charge") = e % 2 ? 1 : -1;
    *entry->GetPtr<std::int32_t>("nhit") = 40 + e;
    if (faults) *entry->GetPtr<double>("e_true") = 100 + e; else *entry->GetPtr<float>("e_true") = 100 + e;
    if (!faults) { *entry->GetPtr<float>("x0") = 0.5 * e; *entry->GetPtr<float>("y0") = -0.5 * e; }
    for (int k = 0; k < 40 + e; k++) {
      entry->GetPtr<std::vector<std::uint16_t>>("hit_cell")->push_back(10 * k + e);
      entry->GetPtr<std::vector<float>>("hit_e")->push_back(0.125 * (k + 1));
    }
    writer->Fill(*entry);
    if (e == 1) writer->CommitCluster();
  }
}

// the muons of b4-fixed_ttree.root as the original production had them, std::vector, and in a folder
void b4_vector() {
  TFile from("b4-fixed_ttree.root"); auto old = from.Get<TTree>("B4");
  TFile f("b4_vector.root", "recreate", "", 505);
  f.mkdir("run1")->cd();
  TTree t("B4", "");
  double number[3], cells[24]; std::vector<double> list; const char* names[] = {"true_energy", "true_x", "true_y"};
  for (int k = 0; k < 3; k++) { old->SetBranchAddress(names[k], number + k); t.Branch(names[k], number + k); }
  int flags[2]; const char* kinds[] = {"isMuon", "isAntiMuon"};
  for (int k = 0; k < 2; k++) { old->SetBranchAddress(kinds[k], flags + k); t.Branch(kinds[k], flags + k); }
  old->SetBranchAddress("rechit_energy", cells); t.Branch("rechit_energy", &list);
  for (int e = 0; e < old->GetEntries(); e++) { old->GetEntry(e); list.assign(cells, cells + 24); t.Fill(); }
  t.Write();
}

// two trees of one name in folders, and a tree whose y0 is in a friend
void folders() {
  TFile f("folders.root", "recreate", "", 505);
  for (auto folder : {"run1", "run2"}) {
    f.mkdir(folder)->cd(); TTree t("muons", ""); double x = 1; t.Branch("x0", &x); t.Fill(); t.Write();
  }
}
void friends() {
  { TFile f("features.root", "recreate"); TTree t("entry", ""); double y = 1; t.Branch("y0", &y); t.Fill(); t.Write(); }
  TFile from("muons_good.root");
  TFile f("friends.root", "recreate", "", 505);
  auto old = from.Get<TTree>("muons"); old->SetBranchStatus("y0", 0);
  f.cd(); auto t = old->CloneTree(-1);
  t->AddFriend("entry", "features.root"); t->AddFriend("again = entry", "features.root"); t->Write();
}
"""

ROOT.gErrorIgnoreLevel = ROOT.kInfo + 1
ROOT.gInterpreter.Declare(CODE)
ROOT.gInterpreter.Declare(RNTUPLES)
ROOT.kinds()
for what in ("good", "short", "offset_map", "old_compression"):
    ROOT.muons(f"muons_{what}.root", what)
for make in (ROOT.b4, ROOT.roads, ROOT.objects, ROOT.egamma):
    make()

for original in sorted(Path(sys.argv[1]).glob("*.root")):
    old = ROOT.TFile.Open(str(original))
    (name, *_) = [key.GetName() for key in old.GetListOfKeys() if key.GetClassName() == "TTree"]
    new = ROOT.TFile(f"{original.stem}_ttree.root", "recreate", "", 505)
    tree = old.Get(name).CloneTree(-1)
    tree.SetTitle("")
    tree.Write()
    new.Close()
    Path(f"{original.stem}_rntuple.root").unlink(missing_ok=True)
    importer = ROOT.Experimental.RNTupleImporter.Create(new.GetName(), name, f"{original.stem}_rntuple.root")
    options = ROOT.RNTupleWriteOptions()  # pages and clusters of a few entries
    options.SetCompression(505)
    options.SetInitialUnzippedPageSize(64)
    options.SetMaxUnzippedPageSize(2000)
    options.SetApproxZippedClusterSize(500)
    options.SetMaxUnzippedClusterSize(4000)
    options.SetPageBufferBudget(1_000_000)
    importer.SetWriteOptions(options)
    importer.SetIsQuiet(True)
    importer.Import()
ROOT.rkinds()
for what in ("half", "faults", "empty"):
    ROOT.rmuons(f"muons_{what}_rntuple.root", what)
for make in (ROOT.b4_vector, ROOT.folders, ROOT.friends):
    make()
Path("features.root").unlink()
os._exit(0)  # ROOT and Python do not agree on who tidies up first
