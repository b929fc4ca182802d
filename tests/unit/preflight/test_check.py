"""What a check says of a plan as a whole."""

from __future__ import annotations

from pathlib import Path

from hitforge.preflight.check import judge
from hitforge.preflight.findings import Finding, exit_code
from tests.unit.preflight.clusters import plan, submission


def test_what_may_be_a_mistake_in_the_configuration_is_a_warning(tmp_path: Path) -> None:
    remarks = (("calo_muon", "samples of two kinds."),)
    findings, _ = judge(plan(submission(), executor="local", remarks=remarks), tmp_path)
    assert Finding("warning", "calo_muon", "samples of two kinds", "") in findings
    assert exit_code(findings) == 0
