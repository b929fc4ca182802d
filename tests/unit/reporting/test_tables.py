from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest

from hitforge.provenance import read_json
from hitforge.reporting.catalogue import load_catalogue
from hitforge.reporting.chapter import Column, Measured, ReportInputs, Table
from hitforge.reporting.chapter_parts import write_chapter
from hitforge.reporting.numbers import cell_text, decimals_of_error, fixed, measured, plain
from hitforge.reporting.tables import mark, read_table, tex, to_csv, to_latex, to_markdown, write_table
from hitforge.stages.report_tables import headline_text, make_tables
from hitforge.studies.base import Study
from tests.unit.reporting.fabricate import fabricate
from tests.unit.reporting.invent import LIMIT, LIMIT_TRACK, MODELS

TABLE = Table(
    name="sample",
    title="A table",
    caption="Per cent & units.",
    columns=(
        Column(key="model", label="Model", align="left"),
        Column(key="mi", label="MI", unit="%"),
        Column(key="n", label="Muons"),
    ),
    rows=(
        ("cnn_a", Measured(value=19.4217, error=0.0831), 862085),
        ("bdt", Measured(value=None, reason="too few muons"), 12),
        ("hl", Measured(value=-3.0, error=0.21, reason="too few muons"), None),
    ),
    notes=("A note.",),
)


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(0.0354, 3), (0.0355, 2), (0.0949, 2), (0.096, 2), (0.354, 2), (3.2, 1), (12.0, 0), (420.0, -2)],
)
def test_error_decides_the_decimals(error: float, decimals: int) -> None:
    assert decimals_of_error(error) == decimals


def test_numbers_as_text() -> None:
    assert measured(Measured(value=19.4217, error=0.0831)) == "19.42 ± 0.08"
    assert measured(Measured(value=-0.00312, error=0.00021)) == "−0.00312 ± 0.00021"
    assert measured(Measured(value=20.72)) == "20.72"
    assert measured(Measured(value=None, reason="why")) == "—"
    assert measured(Measured(value=19.3, error=0.05, decimals=2)) == "19.30 ± 0.05"
    assert measured(Measured(value=2.0, error=0.0001, decimals=2)) == "2.00 ± <0.01"
    # a fit at its limit has no ten digits
    assert measured(Measured(value=99.9999999962, error=2.5e-10)) == "100.0000 ± <0.0001"
    assert measured(Measured(value=0.0000012, error=0.0000003)) == "0.00000120 ± 0.00000030"
    assert measured(Measured(value=0.0, error=0.02)) == "0.000 ± 0.020"
    assert fixed(862085, 0) == "862\u202f085" and fixed(1234.5, 1) == "1234.5"
    assert plain(0.0001234) == "0.0001234" and plain(3.0) == "3" and plain(1.2e-7) == "1.20e−7"
    assert fixed(-0.001, 2) == "0.00"
    assert cell_text(None) == "—" and cell_text(7) == "7"
    assert [mark(i) for i in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]


def test_csv_has_full_precision_and_columns_of_its_own_for_errors_and_reasons() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert list(rows[0]) == ["model", "mi [%]", "mi_error [%]", "mi_reason", "n"]
    assert rows[0]["mi [%]"] == "19.4217" and rows[0]["n"] == "862085"
    assert rows[1]["mi [%]"] == "" and rows[1]["mi_reason"] == "too few muons"


def test_markdown_shows_a_dash_and_the_reason_once() -> None:
    text = to_markdown(TABLE)
    assert "| bdt   |      — [a] |" in " ".join(text.split("  ")) or "— [a]" in text
    assert text.count("too few muons") == 1 and "- A note." in text
    widths = {len(line) for line in text.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_latex_is_escaped_and_uses_booktabs() -> None:
    text = to_latex(TABLE)
    assert r"\toprule" in text and r"\midrule" in text and r"\bottomrule" in text
    assert r"cnn\_a & 19.42 $\pm$ 0.08 & 862\,085 \\" in text
    assert r"---\textsuperscript{a}" in text and r"Per cent \& units." in text
    assert r"MI [\%]" in text
    assert tex("µ⁻ 5 % {x}") == r"$\mu$⁻ 5 \% \{x\}"


def test_empty_table_says_why() -> None:
    empty = TABLE.model_copy(update={"rows": (), "empty": "nothing was run"})
    assert "nothing was run" in to_markdown(empty) and "nothing was run" in to_latex(empty)
    assert to_csv(empty).splitlines() == ["model,mi [%],n"]


def test_a_terminal_shows_the_columns_that_fit_and_names_the_others(tmp_path: Path) -> None:
    numbers = tuple(
        Column(key=f"n_{i}", label=f"Information about sample number {i}", unit="bit", detail=i == 5) for i in range(6)
    )
    row = ("a_model_with_a_long_name", *(Measured(value=i / 10, error=0.012) for i in range(6)))
    wide = TABLE.model_copy(update={"name": "headline", "columns": (TABLE.columns[0], *numbers), "rows": (row,)})
    write_table(wide, tmp_path)
    for width, fitting in ((120, 5), (80, 3)):
        text = headline_text(tmp_path, width)
        shown = [f"0.{i}00 ± 0.012" in text for i in range(6)]
        assert shown == [i < fitting for i in range(6)] and "a_model_with_a_long_name" in text
        assert max(map(len, text.splitlines())) <= width
        # a detail is for the page alone
        left_out = [f"sample number {i}" in " ".join(text.split()).partition("Further columns")[2] for i in range(6)]
        assert left_out == [fitting <= i < 5 for i in range(6)]


def test_all_tables_are_written_in_all_formats(report: Any) -> None:
    for name in report.catalogue.tables:
        for suffix in ("csv", "md", "tex", "json"):
            assert (report.tables / f"{name}.{suffix}").stat().st_size > 0
        table = read_table(report.tables, name)
        assert table.rows or table.empty
        assert to_markdown(table) == (report.tables / f"{name}.md").read_text(encoding="utf-8")
    assert [path for path in report.tables.iterdir() if path.suffix == ".tmp"] == []


def test_tables_repeat_byte_for_byte(report: Any, tmp_path: Path) -> None:
    make_tables(report.catalogue, report.inputs, tmp_path)
    for path in report.tables.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text(encoding="utf-8"))))


def test_headline_ranks_by_information_under_the_limit(report: Any) -> None:
    losses, limit, *rows = _rows(report.tables, "headline")
    assert (limit["model"], limit["inputs"]) == ("limit", "true losses and track")
    assert float(limit["information_test [bit]"]) == LIMIT_TRACK
    assert (losses["model"], losses["inputs"]) == ("losses alone", "true losses alone")
    assert float(losses["information_test [bit]"]) == LIMIT
    assert limit["information_geant4 [bit]"] == "" and limit["information_geant4_reason"]
    assert [row["model"] for row in rows] == ["bdt", "hl_only", "cnn"]
    for row in rows:
        metrics = read_json(report.inputs.metrics[row["model"]])["samples"]
        for key, column, scale in (
            ("information_bits", "information_test [bit]", 1),
            ("measured_gain", "gain_test [pp]", 100),
            ("mean_improvement", "mi_test [pp]", 100),
            ("coverage_68", "coverage_test [%]", 100),
        ):
            assert float(row[column]) == pytest.approx(scale * metrics["test"][key]["value"])
        assert float(row["information_geant4 [bit]"]) == metrics["geant4"]["information_bits"]["value"]
        model = MODELS[row["model"]]
        assert float(row["transfer_geant4 [bit]"]) == pytest.approx(model.geant4 - model.information)
        assert float(row["transfer_geant4_error [bit]"]) == 0.024
        assert row["trained_on"] == str(model.n_muons)
    assert (rows[0]["inputs"], rows[0]["objective"]) == ("28 features", "W/E")
    assert rows[2]["minus_reference [bit]"] == "" and float(rows[0]["minus_reference_error [bit]"]) == 0.006
    table = read_table(report.tables, "headline")
    assert [table.rows[i][0] for i in table.highlight] == [report.inputs.reference]


def test_inputs_and_objectives_are_read_from_the_settings(production: Any, many: ReportInputs, tmp_path: Path) -> None:
    make_tables(load_catalogue("calo_muon"), many, tmp_path)
    rows = {row["model"]: row for row in _rows(tmp_path, "headline")}
    assert [rows[name]["objective"] for name in ("layers", "layers_w", "layers_we")] == ["W/E", "W", "W·E"]
    assert rows["layers_density"]["objective"] == "density of E"
    assert [rows[name]["inputs"] for name in ("esum_only", "bdt_layers", "layers", "cnn")] == [
        "energy sums", "features + layer summaries", "features + layers", "features + cells",
    ]  # fmt: skip
    text = headline_text(tmp_path, 160)
    for word in ("MI (the paper's)", "Measured gain", "geant4", "layers_density_12k", "17.50 ± 0.30"):
        assert word in text, word
    assert max(map(len, text.splitlines())) <= 160


def test_published_values_stand_beside_the_models_that_repeat_them(report: Any) -> None:
    rows = {row["variant"]: row for row in _rows(report.tables, "published")}
    heldout = read_json(report.inputs.metrics["cnn"])["samples"]["heldout"]["mean_improvement"]["value"]
    assert rows["full ensemble"]["published [pp]"] == "20.72"
    assert float(rows["full ensemble"]["this_run [pp]"]) == pytest.approx(100 * heldout)
    assert rows["no SE"]["this_run [pp]"] == ""
    assert "another data set" in (report.tables / "published.md").read_text(encoding="utf-8")


def test_differences_have_the_sign_of_model_minus_reference(report: Any) -> None:
    rows = _rows(report.tables, "differences")
    assert [row["model"] for row in rows] == ["bdt", "hl_only"]
    for row in rows:
        expected = MODELS[row["model"]].information - MODELS["cnn"].information
        assert float(row["information_bits_test [bit]"]) == pytest.approx(expected)
        assert float(row["information_bits_test_sigma [σ]"]) == pytest.approx(expected / 0.006)
        expected = MODELS[row["model"]].mi - MODELS["cnn"].mi
        assert float(row["mean_improvement_test [pp]"]) == pytest.approx(100 * expected)


def test_energies_of_every_sample_stand_in_the_tables(report: Any) -> None:
    rows = _rows(report.tables, "resolution")
    assert list(dict.fromkeys(row["sample"] for row in rows)) == ["held-out", "points", "test", "geant4"]
    assert [row["energy [GeV]"] for row in rows if row["sample"] == "points"][:2] == ["100", "500"]
    measured_rows = _rows(report.tables, "measured")
    best = read_json(report.inputs.metrics["bdt"])["samples"]["test"]["measured_bins"]
    assert [float(row["bits [bit]"]) for row in measured_rows if row["sample"] == "test"] == pytest.approx(
        [row["bits"]["value"] for row in best]
    )


def test_bad_parts_stand_in_the_tables_with_their_reason(report: Any) -> None:
    assert "tree is missing" in (report.tables / "bad_parts.md").read_text(encoding="utf-8")
    train = next(csv.DictReader(io.StringIO((report.tables / "cut_flow.csv").read_text(encoding="utf-8"))))
    assert (train["parts_found"], train["parts_bad"], train["parts_used"]) == ("4", "1", "3")


def test_numbers_that_cannot_be_computed_are_dashes_with_reasons(tmp_path: Path) -> None:
    _, inputs = fabricate(tmp_path, models=("hl_only",), n_heldout=40, n_points=2, bootstraps=5, bad_part=False)
    make_tables(load_catalogue("calo_muon"), inputs, tmp_path / "tables")
    text = (tmp_path / "tables/headline.md").read_text(encoding="utf-8")
    assert "— [a]" in text and "the linear fit needs 2" in text
    chapter = read_json(tmp_path / "tables/chapter.json")
    assert any("no number, because" in note for note in chapter["notes"])
    assert "No model has a number in bits" in chapter["summary"][-1]
    assert read_table(tmp_path / "tables", "bad_parts").empty == "every part is good: nothing was left out"
    assert read_table(tmp_path / "tables", "differences").empty == "only one model was run"


def test_the_result_is_one_sentence_with_its_errors(production: tuple[Study, ReportInputs]) -> None:
    catalogue = load_catalogue("calo_muon")
    chapter = write_chapter(catalogue, production[1])
    assert chapter.summary[-1].startswith("On the test muons bdt knows most about the energy: 0.740 ± 0.011 bit of the")
    assert "0.690 ± 0.021 on geant4" in chapter.summary[-1]
    (saturation,) = next(section for section in chapter.sections if section.id == "objectives").text
    assert "saturate" in saturation and saturation.count(".") == 3
    shown = {(item.kind, item.name) for section in chapter.sections for item in section.items}
    assert shown == {(view.kind, view.name) for section in catalogue.sections for view in section.views}


def test_headline_for_the_terminal(report: Any) -> None:
    text = headline_text(report.tables)
    assert "cnn" in text and "±" in text and "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_unseen_parts_of_frozen_models_are_named(production: tuple[Study, ReportInputs], tmp_path: Path) -> None:
    import dataclasses
    import json

    inputs = production[1]
    manifest = read_json(inputs.manifests["cnn"])
    manifest["training_parts"] = sorted(inputs.inventory_of["train"].good)[1:]
    (tmp_path / "model.json").write_text(json.dumps(manifest))
    frozen = dataclasses.replace(inputs, manifests={**inputs.manifests, "cnn": tmp_path / "model.json"})
    assert any(
        "cnn was trained without 1 parts" in note for note in write_chapter(load_catalogue("calo_muon"), frozen).notes
    )


def test_line_on_the_front_page_is_the_paired_gain_over_the_trees(production: tuple[Study, ReportInputs]) -> None:
    catalogue, inputs = load_catalogue("calo_muon"), production[1]
    row = write_chapter(catalogue, inputs).front
    assert row is not None and (row.baseline, row.ensemble) == ("bdt", inputs.reference)
    baseline, ensemble, gain = row.baseline_number.value, row.ensemble_number.value, row.gain.value
    assert baseline is not None and ensemble is not None
    assert gain == pytest.approx(ensemble - baseline) and row.gain.error == 0.006 and row.unit == "bit"
    assert "20.72 pp (arXiv:2107.02119" in row.published
    without = dataclasses.replace(inputs, metrics={inputs.reference: inputs.metrics[inputs.reference]})
    row = write_chapter(catalogue, without).front
    assert row is not None and row.baseline_number.reason == "bdt was not run"
