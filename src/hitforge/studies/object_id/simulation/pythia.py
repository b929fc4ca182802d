"""Objects from events of PYTHIA 8.3 (the optional package pythia8mc): Z decays and dijets at 13 TeV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hitforge.seeds import child_generator
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import CLASS_NAMES, ELECTRON, JET, MUON, TAU, Objects
from hitforge.studies.object_id.simulation import events as records
from hitforge.studies.object_id.simulation.detector import deposit, read_out
from hitforge.studies.object_id.simulation.events import Axes, Events
from hitforge.studies.object_id.simulation.particles import pileup
from hitforge.studies.object_id.simulation.settings import SimulationSettings

EVENTS_PER_BATCH = 25
MAX_ETA = 2.4
_Z = ("WeakSingleBoson:ffbar2gmZ = on", "PhaseSpace:mHatMin = 60.", "PhaseSpace:mHatMax = 120.", "23:onMode = off")
# the power flattens the falling spectrum a little; the event weight undoes it
_DIJET = ("HardQCD:all = on", "PhaseSpace:pTHatMin = 25.", "PhaseSpace:bias2Selection = on",
          "PhaseSpace:bias2SelectionPow = 2.5")  # fmt: skip
PROCESSES = {
    ELECTRON: (*_Z, "23:onIfAny = 11"),
    JET: _DIJET,
    MUON: (*_Z, "23:onIfAny = 13"),
    TAU: (*_Z, "23:onIfAny = 15"),
}
"""What makes the objects of each class."""

Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]


def pythia_objects(
    n_objects: int, seed: int, settings: SimulationSettings, image: ImageSettings, progress: Progress | None = None
) -> Iterator[Objects]:
    """Yield a quarter of the objects of each class (one more where an event has two), whole events at a time.

    Taus that decay to a lepton count as objects; a cut drops them. Jets keep the weight of their event.

    Raises
    ------
    ImportError
        The package pythia8mc is not installed.
    """
    n_done, wanted = 0, n_objects // len(CLASS_NAMES)
    for label in PROCESSES:
        left = wanted
        for chunk, (found, axes, weight) in enumerate(_selected(label, seed, settings)):
            last = np.flatnonzero(np.cumsum(np.ones(len(axes))) >= left)[:1]
            if len(last):  # whole events up to the one that fills the class
                axes = axes.take(axes.event <= axes.event[last[0]])
            if len(axes):
                rng = child_generator(seed, "objects", CLASS_NAMES[label], chunk)
                yield _image(rng, label, found, axes, weight, settings, image)
                left -= len(axes)
                n_done += len(axes)
                if progress is not None:
                    progress(min(n_done, n_objects), n_objects)
            if left <= 0:
                break


def _selected(label: int, seed: int, settings: SimulationSettings) -> Iterator[tuple[Events, Axes, Floats]]:
    """Yield events without end, the objects of a class in them, and the weight of each event."""
    pythia = _start(label, seed, settings.multiparton)
    while True:
        if label == JET:
            batch, event, momentum = _clustered(pythia, settings.pt_min_gev)
            found = events_of(batch)
            axes = records.jets(found, event, momentum)
        else:
            batch = pythia.nextBatch(EVENTS_PER_BATCH)
            found = events_of(batch)
            axes = records.taus(found) if label == TAU else records.leptons(found, 11 if label == ELECTRON else 13)
        good = (axes.pt > settings.pt_min_gev) & (np.abs(axes.eta) < MAX_ETA)
        yield found, axes.take(good), ak.to_numpy(batch.info.weights[:, 0])


def _clustered(pythia: Any, pt_min_gev: float) -> tuple[ak.Array, NDArray[np.int64], Floats]:
    """Return a batch of events, and event and momentum of their jets: anti-kT, R = 0.4, |eta| < 4, with masses."""
    import pythia8mc

    cluster = pythia8mc.SlowJet(-1, 0.4, pt_min_gev, 4.0, 2, 1)
    batches, event, momentum = [], [], []
    for k in range(EVENTS_PER_BATCH):
        # one by one: the generator's own record, which is clustered, holds the last event only
        batches.append(pythia.nextBatch(1))
        cluster.analyze(pythia.event)
        found = [cluster.p(j) for j in range(cluster.sizeJet())]
        event += [k] * len(found)
        momentum += [(p.px(), p.py(), p.pz()) for p in found]
    return ak.concatenate(batches), np.array(event, dtype=np.int64), np.array(momentum, dtype=np.float64).reshape(-1, 3)


def _start(label: int, seed: int, multiparton: bool) -> Any:
    try:
        import pythia8mc
    except ImportError as error:
        raise ImportError("generator: pythia needs the package pythia8mc: pip install 'hitforge[pythia]'") from error
    pythia = pythia8mc.Pythia("", False)
    own_seed = int(child_generator(seed, "pythia", CLASS_NAMES[label]).integers(1, 900_000_000))
    general = ("Print:quiet = on", "Beams:eCM = 13000.", "Random:setSeed = on", f"Random:seed = {own_seed}")
    parton_level = f"PartonLevel:MPI = {'on' if multiparton else 'off'}"
    for line in (*general, parton_level, *PROCESSES[label]):
        if not pythia.readString(line):
            raise ValueError(f"pythia8mc does not know the setting {line!r}")
    if not pythia.init():
        raise RuntimeError("pythia8mc did not start; its own messages say why")
    return pythia


def events_of(batch: ak.Array) -> Events:
    """Return the event records of a batch of the generator."""
    entries = batch.prt
    counts = ak.to_numpy(ak.num(entries.id))
    flat = {name: ak.to_numpy(ak.flatten(entries[name])) for name in ("id", "status", "daughter1", "daughter2")}
    momentum = np.stack([ak.to_numpy(ak.flatten(entries.p[axis])) for axis in ("px", "py", "pz")], axis=1)
    return Events(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        pdg=flat["id"].astype(np.int64),
        status=flat["status"].astype(np.int64),
        daughters=np.stack([flat["daughter1"], flat["daughter2"]], axis=1).astype(np.int64),
        momentum=momentum,
    )


def _image(
    rng: np.random.Generator,
    label: int,
    found: Events,
    axes: Axes,
    weight: Floats,
    settings: SimulationSettings,
    image: ImageSettings,
) -> Objects:
    around = records.particles_around(found, axes, *image.half_widths, settings.field_tesla)
    cells = deposit(rng, around, np.abs(axes.eta), image)
    npv = rng.integers(10, 51, len(found))[axes.event]
    if settings.pileup:
        cells += deposit(rng, pileup(rng, npv, *image.half_widths), np.abs(axes.eta), image)
    numbers = rng.integers(0, 2**63, len(found), dtype=np.uint64)
    return Objects.of(
        read_out(rng, cells, settings).reshape(len(axes), *image.shape),
        **{name: getattr(axes, name) for name in ("pt", "eta", "phi", "n_prong", "parton")},
        label=np.full(len(axes), label),
        proc=np.full(len(axes), label),
        event=numbers[axes.event],
        npv=npv,
        w=weight[axes.event],
    )
