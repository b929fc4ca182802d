"""Tables of the samples: parts found, left out and used, and why."""

from __future__ import annotations

from hitforge.reporting.chapter import ReportInputs, Table, column, make_table, text_column
from hitforge.validation import Inventory, PartEntry


def cut_flow(inputs: ReportInputs) -> Table:
    """Parts and events of each sample, from what was found to what was used."""

    def status(name: str, wanted: str) -> int:
        return sum(entry.status == wanted for entry in _parts(inputs, name))

    def setting(name: str, key: str) -> str:
        found: str | list[str] = inputs.settings["samples"].get(name, {}).get(key, "")
        return found if isinstance(found, str) else ", ".join(found)

    return make_table(
        "cut_flow",
        "Samples and parts",
        "Parts found, left out and used. Events found counts all that could be read, in left-out parts too.",
        (
            text_column("sample", "Sample", str),
            text_column("role", "Role", lambda name: setting(name, "role")),
            text_column("source", "Source", lambda name: setting(name, "source"), wide=True),
            column("parts_found", "Parts found", lambda name: len(_parts(inputs, name))),
            column("parts_bad", "Bad", lambda name: status(name, "bad")),
            column("parts_duplicate", "Duplicate", lambda name: status(name, "duplicate")),
            column("parts_used", "Used", lambda name: status(name, "good")),
            column("events_found", "Events found", lambda name: sum(e.n_events for e in _parts(inputs, name))),
            column("events_used", "Events used", lambda name: inputs.inventory_of[name].n_events),
        ),
        inputs.inventory_of,
    )


def _parts(inputs: ReportInputs, sample: str) -> list[PartEntry]:
    return list(inputs.inventory_of[sample].parts.values())


def selection(inputs: ReportInputs) -> Table:
    """Entries of the used parts that are left after each cut."""
    flows = {name: _flow(inventory) for name, inventory in inputs.inventory_of.items()}
    return make_table(
        "selection",
        "Selection",
        "Entries of the used parts that are left after each cut; a cut is applied to what the one before left.",
        (
            text_column("cut", "Cut", str),
            *(column(name, name, flow.get) for name, flow in flows.items()),
        ),
        dict.fromkeys(cut for flow in flows.values() for cut in flow),
        empty="this study applies no cuts",
    )


def _flow(inventory: Inventory) -> dict[str, int]:
    flow: dict[str, int] = {}
    for part in inventory.good:
        for cut, left in inventory.parts[part].cut_flow:
            flow[cut] = flow.get(cut, 0) + left
    return flow


def bad_parts(inputs: ReportInputs) -> Table:
    """Every part that is not used, with the reason and the fix."""
    return make_table(
        "bad_parts",
        "Parts left out",
        "Quarantined and duplicate parts: none of their events is used anywhere.",
        (
            text_column("sample", "Sample", lambda row: row[0]),
            text_column("part", "Part", lambda row: row[1]),
            text_column("status", "Status", lambda row: row[2].status),
            text_column("reason", "Reason and fix", lambda row: "; ".join(row[2].reasons), wide=True),
            text_column("source", "Source", lambda row: row[2].source, wide=True),
        ),
        [
            (name, part, entry)
            for name, inventory in inputs.inventory_of.items()
            for part, entry in inventory.parts.items()
            if entry.status != "good"
        ],
        empty="every part is good: nothing was left out",
    )
