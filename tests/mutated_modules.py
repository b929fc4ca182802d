"""What `make mutants` changes: modules with their tests, and the changes that no test can tell from the code."""

from __future__ import annotations

CALO, CSC = "hitforge.studies.calo_muon", "hitforge.studies.csc_muon"
EGAMMA, OBJECTS = "hitforge.studies.scouting_egamma", "hitforge.studies.object_id"

# the tests of each module, below tests/unit
TESTS: dict[str, tuple[str, ...]] = {
    "hitforge.folds": ("test_folds.py",),
    "hitforge.samples": ("test_samples.py", "test_sample_sheet.py"),
    "hitforge.scaling": ("test_scaling.py",),
    "hitforge.predictions": ("test_predictions.py",),
    "hitforge.validation": ("test_validation.py", "test_identities.py"),
    "hitforge.inventory": ("test_validation.py", "test_identities.py"),
    "hitforge.identities": ("test_identities.py",),
    "hitforge.shards": ("test_shards.py",),
    "hitforge.ntuple": ("test_branches.py", "test_rntuples.py", "csc_muon/test_ntuple.py", "object_id/test_ntuple.py"),
    "hitforge.rntuples": ("test_rntuples.py",),
    "hitforge.evaluation.bootstrap": ("test_bootstrap.py",),
    "hitforge.evaluation.ordered": ("test_ordered.py",),
    "hitforge.evaluation.differences": ("test_differences.py",),
    "hitforge.stages.predict": ("test_ensemble.py", "csc_muon/test_stages.py"),
    "hitforge.training.losses": ("calo_muon/test_losses.py",),
    "hitforge.training.checkpoint": ("training/test_checkpoint.py", "training/test_resume.py"),
    "hitforge.training.loader": ("training/test_loader.py",),
    f"{CALO}.evaluation.bias": ("calo_muon/test_bias.py",),
    f"{CALO}.evaluation.resolution": ("calo_muon/test_resolution.py", "calo_muon/test_evaluate.py"),
    f"{CALO}.models.weights": ("calo_muon/test_weights.py",),
    f"{CALO}.models.losses": ("calo_muon/test_losses.py",),
    f"{CALO}.data.ntuple": ("calo_muon/test_ntuple.py",),
    f"{CALO}.data.layouts": ("calo_muon/test_ntuple.py", "calo_muon/test_validate.py"),
    f"{CALO}.data.decode": ("calo_muon/test_ntuple.py", "calo_muon/test_validate.py"),
    f"{CALO}.data.lumin": ("calo_muon/test_lumin.py",),
    f"{CSC}.evaluation.resolution": ("csc_muon/test_metrics.py", "csc_muon/test_resolution_uncertainty.py"),
    f"{CSC}.models.losses": ("csc_muon/test_networks.py",),
    f"{CSC}.data.ntuple": ("csc_muon/test_ntuple.py",),
    f"{CSC}.data.npz": ("csc_muon/test_ntuple.py", "csc_muon/test_validate.py"),
    f"{EGAMMA}.models.losses": ("scouting_egamma/test_networks.py",),
    f"{EGAMMA}.models.weights": ("scouting_egamma/test_trees.py", "scouting_egamma/test_networks.py"),
    f"{EGAMMA}.data.ntuple": ("scouting_egamma/test_ntuple.py",),
    f"{OBJECTS}.models.losses": ("object_id/test_networks.py",),
    f"{OBJECTS}.data.ntuple": ("object_id/test_ntuple.py",),
}

_ZSTD = "dict(hdf5plugin.Zstd(clevel=3))"
_EMPTY = f"zstd = {_ZSTD} if len(predictions) else {{}}"

# survivors that no test can tell from the code: module, line, change -> reason
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "hitforge.predictions",
        "found = found.select(np.isin(found.part.astype(str), sorted(read_inventory(inventory).good)))",
        "sorted(read_inventory(inventory).good) -> list(read_inventory(inventory).good)",
    ): "only looked into",
    (
        "hitforge.inventory",
        "number = np.full(len(self.parts), -1, dtype=np.int32)",
        "1 -> 2",
    ): "another negative number",
    (
        "hitforge.identities",
        "words = _words(column).reshape(len(column), -1)",
        "1 -> 2",
    ): "NumPy takes any negative one",
    (
        "hitforge.evaluation.bootstrap",
        "total = np.where(enough, n, 2)",
        "2 -> 3",
    ): "there the result is NaN",
    (
        "hitforge.stages.predict",
        "for factor, row in zip(factors, predictions, strict=True):",
        "True -> False",
    ): "the lengths were compared before",
    ("hitforge.predictions", _EMPTY, "3 -> 4"): "compression only",
    ("hitforge.predictions", _EMPTY, f"{_ZSTD} if len(predictions) else {{}} -> {_ZSTD}"): "nothing to compress",
    (
        "hitforge.shards",
        'lz4 = dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE))',
        "5 -> 6",
    ): "compression only",
    ("hitforge.shards", "if name not in self._columns:", "if name not in self._columns: -> if True:"): "a cache",
}
