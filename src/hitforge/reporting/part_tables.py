"""Tables of the samples: parts found, left out and used, and why."""

from __future__ import annotations

from hitforge.reporting.chapter import Cell, Column, ReportInputs, Table


def cut_flow(inputs: ReportInputs) -> Table:
    """Parts and events of each sample, from what was found to what was used."""
    rows: list[tuple[Cell, ...]] = []
    for name, inventory in inputs.inventory_of.items():
        sample = inputs.settings["samples"].get(name, {})
        status = [entry.status for entry in inventory.parts.values()]
        found = sum(entry.n_events for entry in inventory.parts.values())
        rows.append(
            (
                name,
                sample.get("role", ""),
                source_text(sample.get("source", "")),
                len(status),
                status.count("bad"),
                status.count("duplicate"),
                status.count("good"),
                found,
                inventory.n_events,
            )
        )
    return Table(
        name="cut_flow",
        title="Samples and parts",
        caption="Parts found, left out and used. Events found counts all that could be read, in left-out parts too.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="role", label="Role", align="left"),
            Column(key="source", label="Source", align="left", wide=True),
            Column(key="parts_found", label="Parts found"),
            Column(key="parts_bad", label="Bad"),
            Column(key="parts_duplicate", label="Duplicate"),
            Column(key="parts_used", label="Used"),
            Column(key="events_found", label="Events found"),
            Column(key="events_used", label="Events used"),
        ),
        rows=tuple(rows),
    )


def selection(inputs: ReportInputs) -> Table:
    """Entries of the used parts that are left after each cut."""
    samples: dict[str, dict[str, int]] = {}
    for name, inventory in inputs.inventory_of.items():
        flow = samples.setdefault(name, {})
        for part in inventory.good:
            for cut, left in inventory.parts[part].cut_flow:
                flow[cut] = flow.get(cut, 0) + left
    cuts = dict.fromkeys(cut for flow in samples.values() for cut in flow)
    rows = tuple((cut, *(flow.get(cut) for flow in samples.values())) for cut in cuts)
    return Table(
        name="selection",
        title="Selection",
        caption="Entries of the used parts that are left after each cut; a cut is applied to what the one before left.",
        columns=(
            Column(key="cut", label="Cut", align="left"),
            *(Column(key=name, label=name) for name in samples),
        ),
        rows=rows,
        empty=None if rows else "this study applies no cuts",
    )


def source_text(source: str | list[str] | tuple[str, ...]) -> str:
    """Return a sample's source as text."""
    return source if isinstance(source, str) else ", ".join(source)


def bad_parts(inputs: ReportInputs) -> Table:
    """Every part that is not used, with the reason and the fix."""
    rows = [
        (name, part, entry.status, "; ".join(entry.reasons), entry.source)
        for name, inventory in inputs.inventory_of.items()
        for part, entry in inventory.parts.items()
        if entry.status != "good"
    ]
    return Table(
        name="bad_parts",
        title="Parts left out",
        caption="Quarantined and duplicate parts: none of their events is used anywhere.",
        columns=(
            Column(key="sample", label="Sample", align="left"),
            Column(key="part", label="Part", align="left"),
            Column(key="status", label="Status", align="left"),
            Column(key="reason", label="Reason and fix", align="left", wide=True),
            Column(key="source", label="Source", align="left", wide=True),
        ),
        rows=tuple(rows),
        empty=None if rows else "every part is good: nothing was left out",
    )
