"""Make the files of this folder with ROOT itself, which writes what uproot cannot.

Run in an environment of its own: ``pip install root`` (6.40 was used), then ``python make.py`` in this folder. The
files are small: two or three entries with numbers that the tests know.
"""

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

ROOT.gInterpreter.Declare(CODE)
ROOT.kinds()
for what in ("good", "short", "offset_map", "old_compression"):
    ROOT.muons(f"muons_{what}.root", what)
for make in (ROOT.b4, ROOT.roads, ROOT.objects, ROOT.egamma):
    make()
