from __future__ import annotations

import base64
import copy
import gzip
import html
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from PIL import Image

from hitforge.provenance import read_json, write_json
from hitforge.reporting.changes import Changes, compare_chapters
from hitforge.reporting.chapter import FrontRow
from hitforge.reporting.numbers import cell_text
from hitforge.reporting.page import FIRST_ROWS, LONG_TABLE, render_page, typeset
from hitforge.reporting.page_tables import duration
from hitforge.reporting.run_info import RunInfo, read_benchmarks, read_trainings
from hitforge.reporting.tables import read_table
from hitforge.stages.bind_report import make_report

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


class Links(HTMLParser):
    """Ids, link targets and open tags of a page."""

    VOID = frozenset({"meta", "img", "br", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.targets += [str(found[key]) for key in ("href", "src") if key in found]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    jobs = folder / "train_member" / "calo_muon" / "cnn"
    jobs.mkdir(parents=True)
    (jobs / "0.tsv").write_text(HEADER + "1523.2\t0:25:23\t1830.5\t1\t1\t1\t0\t0\t99.1\t1510.0\n")
    (jobs / "1.tsv").write_text(HEADER + "1400.0\t0:23:20\t1790.5\t1\t1\t1\t0\t0\t99.1\t1390.0\n")
    (folder / "make_tables").mkdir()
    (folder / "make_tables" / "calo_muon.tsv").write_text(HEADER + "0.2\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    # what another study took in the same folder belongs to its own page
    (folder / "make_tables" / "csc_muon.tsv").write_text(HEADER + "9000\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    return folder


@pytest.fixture(scope="module")
def page(report: Any, benchmarks: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    now = read_json(report.tables / "chapter.json")
    before = copy.deepcopy(now)
    before["parts"]["train"].pop(sorted(before["parts"]["train"])[0])
    before["headline"][0]["number"]["value"] -= 1.25
    run = RunInfo(
        preset="demo",
        seed=20210702,
        device="cpu",
        versions=RunInfo.installed_versions(),
        host="<node>",
        stages=read_benchmarks(benchmarks, ["calo_muon"], tmp_path_factory.getbasetemp()),
        trainings=read_trainings(benchmarks, ["calo_muon"]),
        changes=compare_chapters({"calo_muon": before}, {"calo_muon": now}),
    )
    text = render_page([report.tables.parent], run)
    assert len(text.encode()) < 8e6
    return text


def test_page_is_one_file(page: str) -> None:
    links = Links()
    links.feed(page)
    assert not links.wrong and not links.open
    assert all(target.startswith(("#", "data:")) for target in links.targets)
    assert not re.search(r"@import|url\((?!%23)|<link|<iframe|fetch\(", page)
    # the only addresses are the names of XML standards inside the pictures
    assert not re.search(r"https?://", page.replace("http://www.w3.org/", ""))


def test_what_is_saved_is_what_was_made(page: str, report: Any) -> None:
    for name in report.catalogue.figures:
        if f'id="calo_muon-figure-{name}"' not in page:
            assert read_json(report.figures / f"{name}.json")["empty"]
            continue
        block = page[page.index(f'id="calo_muon-figure-{name}"') :].partition("</figure>")[0]
        packed = dict(re.findall(r'data-packed="([^"]+)" href="[^"]+" download="[^"]+\.(\w+)"', block))
        packed = {kind: gzip.decompress(base64.b64decode(text)) for text, kind in packed.items()}
        assert packed["csv"] == (report.figures / f"{name}.csv").read_bytes()
        pdf = re.findall(r'href="data:application/pdf;base64,([^"]+)"', block)
        assert base64.b64decode(pdf[0]) == (report.figures / f"{name}.pdf").read_bytes()
        source = html.unescape(re.findall(r'src="(data:[^"]+)"', block)[0])
        if source.startswith("data:image/svg"):
            # drawn by the same numbers
            ours = ElementTree.fromstring(unquote(source.partition(",")[2]))
            theirs = ElementTree.fromstring((report.figures / f"{name}.svg").read_bytes())
            shapes = [[path.get("d", "").split() for path in tree.iter() if path.get("d")] for tree in (ours, theirs)]
            assert shapes[0] == shapes[1] and shapes[0]
        else:
            assert packed["svg"] == (report.figures / f"{name}.svg").read_bytes()
            shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
            made = Image.open(report.figures / f"{name}.png").convert("RGB")
            assert shown.tobytes() == made.tobytes()


def test_the_result_and_its_figures_come_first(page: str, report: Any) -> None:
    article = page[page.index('<article id="calo_muon">') :]
    places = [article.index(text) for text in ('class="result"', 'id="calo_muon-figure-information"', "<h3")]
    assert places == sorted(places) and article.count('id="calo_muon-figure-information"') == 1


def test_long_tables_show_their_first_rows(page: str, report: Any) -> None:
    sizes = {name: len(read_table(report.tables, name).rows) for name in report.catalogue.tables}
    assert any(n > LONG_TABLE for n in sizes.values())
    for name, n_rows in sizes.items():
        _, found, rest = page.partition(f'id="calo_muon-table-{name}"')
        block = rest.partition("</section>")[0]
        assert block.count('class="rest"') == (n_rows - FIRST_ROWS if n_rows > LONG_TABLE else 0) or not found, name
        assert (f"all {n_rows} rows" in block) == (n_rows > LONG_TABLE), name


def test_symbols_are_typeset_and_names_are_not() -> None:
    assert typeset("σ_eff of 1/pT^2 < σ_iηiη") == "σ<sub>eff</sub> of 1/p<sub>T</sub><sup>2</sup> &lt; σ<sub>iηiη</sub>"
    assert typeset("pT^-4.5, E_MC / E_reco") == "p<sub>T</sub><sup>−4.5</sup>, E<sub>MC</sub> / E<sub>reco</sub>"
    assert typeset("bdt_layers, pTD_em") == "bdt_layers, pTD_em"


def test_links_within_the_page_lead_somewhere(page: str) -> None:
    links = Links()
    links.feed(page)
    assert len(links.ids) == len(set(links.ids))
    assert {target[1:] for target in links.targets if target.startswith("#")} <= set(links.ids)


def test_page_tells_what_a_reader_must_know(page: str) -> None:
    for text in (
        "demonstrates function, not physics",
        "another data set",
        "fold 0",
        "They are not the published data set",
        "tree is missing",
        "Left out, for there is nothing to show",
        "no tuned model is among the reported models",
        "Added (1): train_0000-00000000",
        "+1.25",
        "&lt;node&gt;",
    ):
        assert text in page, text


def test_page_shows_time_and_memory_with_suggestions(page: str, benchmarks: Path) -> None:
    stages = {cost.rule: cost for cost in read_benchmarks(benchmarks, ["calo_muon"], benchmarks)}
    training = stages["train_member"]
    assert (training.jobs, training.wall_s_total, training.max_rss_mb) == (2, 2923.2, 1830.5)
    assert (training.suggested_mem_mb, training.suggested_runtime_min) == (2400, 55)
    assert stages["make_tables"].max_rss_mb is None and stages["make_tables"].suggested_mem_mb is None
    assert stages["make_tables"].jobs == 1
    assert "48.7 min" in page and "train_member" in page
    assert [duration(s) for s in (0.2, 99.0, 600.0, 7200.0)] == ["0.2 s", "99.0 s", "10.0 min", "2.0 h"]


def test_page_shows_the_minutes_of_each_model(page: str, benchmarks: Path) -> None:
    (cost,) = read_trainings(benchmarks, ["calo_muon", "csc_muon"])
    assert (cost.model, cost.trainings, cost.wall_s_total, cost.wall_s_max) == ("cnn", 2, 2923.2, 1523.2)
    assert "Training time of each model" in page and "24.4 min" in page


def test_page_repeats_and_needs_no_run_section(report: Any) -> None:
    pages = [render_page([report.tables.parent], RunInfo()) for _ in range(2)]
    assert pages[0] == pages[1]
    assert "Since the last report" not in pages[0] and "Time and memory" not in pages[0]


def test_several_studies_share_a_page_with_a_table_in_front(report: Any, tmp_path: Path) -> None:
    # a study without a line on the front page
    shutil.copytree(report.tables.parent, tmp_path, dirs_exist_ok=True)
    chapter = read_json(report.tables / "chapter.json")
    write_json(tmp_path / "tables/chapter.json", {**chapter, "study": "other", "front": None})
    page = render_page([report.tables.parent, tmp_path], RunInfo())
    assert "Report of 2 studies" in page
    front = page[page.index('id="front">') : page.index('<article id="calo_muon">')]
    assert front.count("<tr>") == 3 and 'id="gains"' in page and 'href="#other"' in front
    row = FrontRow.model_validate(chapter["front"])
    assert row.published in front and row.other_sample in front
    for number in (row.baseline_number, row.ensemble_number, row.gain):
        assert cell_text(number) in front
    links = Links()
    links.feed(page)
    assert len(links.ids) == len(set(links.ids)) and "front" in links.ids


def test_page_of_one_study_has_no_table_in_front(page: str) -> None:
    assert 'id="front"' not in page


def test_nothing_changed_is_said() -> None:
    chapter = {"study": "calo_muon", "title": "t", "parts": {"train": {"a": 3}}, "headline": []}
    changes = compare_chapters({"calo_muon": chapter}, {"calo_muon": chapter})
    assert changes.samples == () and changes.numbers == ()


def test_changes_are_told_study_by_study(report: Any, tmp_path: Path) -> None:
    chapters = {}
    for study, n_events in (("one", 3), ("two", 5)):
        chapters[study] = {"study": study, "title": study, "parts": {"train": {"a": n_events}}, "headline": []}
    moved = {**chapters["one"], "parts": {"train": {"a": 4}}}
    assert compare_chapters({"two": chapters["two"]}, {"one": moved}) == Changes()
    (change,) = compare_chapters(chapters, {"one": moved}).samples
    assert (change.study, change.events_before, change.events_after) == ("one", 3, 4)

    previous, made = tmp_path / ".previous.json", tmp_path / "made"
    for study, chapter in chapters.items():
        shutil.copytree(report.tables.parent, made / study)
        write_json(made / study / "tables/chapter.json", {**read_json(report.tables / "chapter.json"), **chapter})
        make_report(made, [study], tmp_path / "none", {}, previous, tmp_path / f"{study}.html")
        # neither is there anything to compare with, nor is the other study forgotten
        assert "Since the last report" not in (tmp_path / f"{study}.html").read_text(encoding="utf-8")
    assert set(read_json(previous)) == {"one", "two"}
    make_report(made, ["one"], tmp_path / "none", {}, previous, tmp_path / "again.html")
    assert "no headline number changed" in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_missing_benchmarks_are_no_error(tmp_path: Path) -> None:
    assert read_benchmarks(tmp_path / "none", ["calo_muon"], tmp_path) == ()
    assert read_trainings(tmp_path / "none", ["calo_muon"]) == ()
