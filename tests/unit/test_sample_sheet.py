"""Sample sheets as people, spreadsheets and pandas write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.config import load_settings
from hitforge.sample_sheet import read_sheet
from hitforge.yaml_files import ConfigError

HEAD = "study\tsample\trole\tsource\tn_parts\tn_events\tspectrum\n"
TRAIN = "calo_muon\ttrain\ttrain\tsimulate\t4\t200\tflat\n"
TEST = "calo_muon\ttest\ttest\tsimulate\t2\t165\tdiscrete\n"
PLAIN = HEAD + TRAIN + TEST
READ = {
    "calo_muon": {
        "train": {"role": "train", "source": "simulate", "parts": 4, "events_per_part": 200, "spectrum": "flat"},
        "test": {"role": "test", "source": "simulate", "parts": 2, "events_per_part": 165, "spectrum": "discrete"},
    }
}


def sheet(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "samples.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("200", "200.0").replace("165", "165."),
        PLAIN.replace("\t", ";"),
        PLAIN.replace("\t", ","),
        PLAIN.replace("simulate", '"simulate"'),
        PLAIN.replace("simulate", " simulate "),
        PLAIN.replace("\n", "\t\t\n"),
        "# comment\n\n" + PLAIN.replace(TEST, "\t\t\t\t\t\t\n\n" + TEST + "\n  \n"),
        '"# a comment, in quotes"\n' + PLAIN,
        PLAIN.rstrip("\n"),
    ],
)
def test_what_is_harmless_is_read(tmp_path: Path, content: str | bytes) -> None:
    assert read_sheet(sheet(tmp_path, content)) == READ
    load_settings({"studies": ["calo_muon"], "preset": "demo"}, read_sheet(sheet(tmp_path, content)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PLAIN.replace("200", "many"), r"row 1 \(line 2\): column 'n_events': 'many' is not a whole number above 0"),
        (PLAIN.replace("165", "2.5"), r"row 2 \(line 3\): column 'n_events': '2.5'"),
        (PLAIN.replace("165", "1e3"), "row 2 .*column 'n_events': '1e3'"),
        (PLAIN.replace("165", "nan"), "row 2 .*column 'n_events': 'nan'"),
        (PLAIN.replace("165", "-5"), "row 2 .*column 'n_events': '-5'"),
        (PLAIN.replace("165", "1,000"), "row 2 .*column 'n_events': '1,000'"),
        (PLAIN.replace("\t4\t", "\t0\t"), "row 1 .*column 'n_parts': '0'"),
        (PLAIN.encode("utf-16"), "samples.tsv: the text is UTF-16"),
        (PLAIN.replace("flat", "flät").encode("latin-1"), "samples.tsv, line 2: byte 0xe4 is not UTF-8"),
        (PLAIN.replace("spectrum", "spectrun"), "samples.tsv: column 'spectrun' is not known"),
        (PLAIN.replace("n_events", "n_parts"), "samples.tsv: column 'n_parts' stands twice"),
        (PLAIN.replace("role\t", "\t"), "samples.tsv: column '' is not known"),
        (PLAIN + TEST.replace("muon\ttest", "muno\ttest2"), "row 3 .*column 'study': 'calo_muno' is not known"),
        (PLAIN.replace("\ttrain\ttrain", "\ttrain\ttrian"), "row 1 .*column 'role': 'trian' has to be train or test"),
        (PLAIN.replace("\ttrain\ttrain", "\t../x\ttrain"), "row 1 .*column 'sample': '../x' may hold letters"),
        (PLAIN.replace("\ttrain\ttrain", "\ttrain\t"), "row 1 .*column 'role' is missing or empty"),
        (PLAIN.replace("flat\n", "flat\tmore\n"), "row 1 .*'more' stands beyond the last column, 'spectrum'"),
        (PLAIN.replace("simulate\t4", '"simulate\t4'), "row 1 .*the quotes do not close"),
        (PLAIN + TRAIN, "row 3 .*sample 'train' disagrees with an earlier row: a simulated sample has one row"),
        (
            HEAD + TRAIN.replace("simulate", "a.h5") + TRAIN.replace("simulate\t4", "b.h5\t5"),
            "row 2 .*parts is 5, there 4",
        ),
        (HEAD, "samples.tsv: the sheet has no row below its columns"),
        ("", "samples.tsv: the sheet is empty"),
    ],
)
def test_mistakes_name_sheet_row_and_column(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_sheet(sheet(tmp_path, content))
    assert str(tmp_path / "samples.tsv") in str(caught.value)


def test_a_missing_sheet_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.tsv: no such file"):
        read_sheet(tmp_path / "none.tsv")
    with pytest.raises(ConfigError, match="is a directory"):
        read_sheet(tmp_path)


def test_sheet_rows_of_one_sample_add_their_sources(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.tsv"
    sheet.write_text(
        "# comment\nstudy\tsample\trole\tsource\tn_parts\tn_events\tspectrum\n"
        "calo_muon\ttrain\ttrain\ta/*.root\t\t\t\ncalo_muon\ttrain\ttrain\tb.root\t\t\t\n"
        "calo_muon\ttest\ttest\tsimulate\t2\t110\tdiscrete\n"
    )
    read = read_sheet(sheet)["calo_muon"]
    assert read["train"]["source"] == ("a/*.root", "b.root")
    assert read["test"] == {
        "role": "test",
        "source": "simulate",
        "parts": 2,
        "events_per_part": 110,
        "spectrum": "discrete",
    }
