"""Stage apply: what the model of a package says about every entry of a part, as a friend file beside it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.apply_settings import PREFIX, FriendFormat
from hitforge.entries import PREDICTED, Column, OpenEntries
from hitforge.friends import FORMAT_VERSION, Friend, check_format, read_about, write_friend
from hitforge.ntuple import NtupleError
from hitforge.packaged_study import packaged_study
from hitforge.packages import ModelPackage
from hitforge.predictions import Predictions
from hitforge.provenance import stamp
from hitforge.samples import Part
from hitforge.shards import ShardBlock, write_shard
from hitforge.stages.predict import LoadedModel, load_model, predict_events
from hitforge.studies.base import Study
from hitforge.training.dataset import index_events
from hitforge.training.device import DeviceChoice
from hitforge.validation import BadPartsError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Application:
    """A model package that is loaded, and how friend files are to look."""

    package: ModelPackage
    study: Study
    model: LoadedModel
    kind: FriendFormat
    prefix: str


def load_application(package: ModelPackage, kind: FriendFormat, prefix: str, device: DeviceChoice) -> Application:
    """Load the model of a package; ``prefix`` begins the names of tree and columns.

    Raises
    ------
    ValueError
        A prefix that is no identifier, or a format without its library.
    """
    if not re.match(PREFIX, prefix):
        raise ValueError(f"prefix {prefix!r}: begin with a letter, then letters, digits and _; for example hf_")
    check_format(kind)
    study = packaged_study(package, "apply")
    return Application(package, study, load_model(study, package.manifest, package.scaling, device), kind, prefix)


def made_before(application: Application, part: Part, out: Path) -> dict[str, Any] | None:
    """Return what the friend file says of itself if it is there and would be made the same again.

    Raises
    ------
    FileExistsError
        It is no friend file of ours, or that of another part.
    """
    if not out.exists():
        return None
    about = read_about(out)
    if about is None:
        raise FileExistsError(
            f"{out}: is there and is no friend file that can be read; remove it, or take another --out"
        )
    wanted = _identity(application, part)
    if about["source"] != wanted["source"]:
        raise FileExistsError(
            f"{out}: belongs to {about['source']}, not to {wanted['source']}; remove it, or take another --out"
        )
    return about if wanted.items() <= about.items() else None


def apply_part(application: Application, part: Part, out: Path) -> dict[str, Any]:
    """Write the friend file of a part and return what it says of itself.

    The predicted entries are written as a shard, which is removed at the end, and predicted as those of a production
    are: the same events give the same bits.

    Raises
    ------
    NtupleError, RefusedError
        The part cannot be used, or was not given; nothing is written.
    """
    study = application.study
    assert part.source is not None
    identity = _identity(application, part)  # before it is read: a part that changes meanwhile is done again
    with TemporaryDirectory(prefix="hitforge-") as scratch, contextmanager(study.open_entries)(part.source) as opened:
        shard = Path(scratch) / f"{part.id}.h5"
        status: list[NDArray[np.uint8]] = []
        attributes = stamp(
            study=study.name,
            part=part.id,
            content_checksum="",
            features_scaled=opened.layout == "fold_file",
        )
        write_shard(shard, study.layout, _events(part, opened, status), attributes)
        predictions = predict_events(study, application.model, index_events([shard]))
        friend = _friend(application, identity, opened, np.concatenate([*status, np.zeros(0, np.uint8)]), predictions)
    write_friend(out, application.kind, friend)
    return dict(friend.about)


def apply_parts(application: Application, parts: Mapping[Path, Part]) -> None:
    """Write the friend files of some parts, by their paths.

    Raises
    ------
    BadPartsError
        Some parts cannot be used, each with its reason; the friend files of the others are there.
    """
    problems = []
    for out, part in parts.items():
        try:
            about = apply_part(application, part, out)
        except NtupleError as error:
            problems.append(str(error))
        else:
            log.info("%s: %s", out, in_words(about))
    if problems:
        raise BadPartsError("\n".join([*problems, "correct these files, or leave them out of apply.source"]))


def in_words(about: Mapping[str, Any]) -> str:
    """Return how many entries of a part were predicted, and why the others were not."""
    left_out = "".join(f", {n} {reason}" for reason, n in about["left_out"].items())
    return f"{about['entries']} entries, {about['predicted']} predicted{left_out}"


def _identity(application: Application, part: Part) -> dict[str, Any]:
    """Return what a friend file follows from."""
    assert part.source is not None
    state: dict[str, Any] = {"source": part.source}
    if part.is_local:
        state["source"] = str(Path(part.source).absolute())
        try:
            found = Path(part.local_path).stat()
        except OSError:
            pass  # the reader says what is wrong
        else:
            state |= {"source_bytes": found.st_size, "source_mtime_ns": found.st_mtime_ns}
    package = application.package
    return stamp(
        format=application.kind,
        format_version=FORMAT_VERSION,
        study=package.study,
        model=package.model,
        package=package.hash,
        prefix=application.prefix,
        **state,
    )


def _events(part: Part, opened: OpenEntries, status: list[NDArray[np.uint8]]) -> Iterable[ShardBlock]:
    """Yield the events to predict and collect the status of all entries."""
    n_entries = 0
    for block in opened.blocks:
        entries = n_entries + np.flatnonzero(block.status == PREDICTED)
        if block.first_entry != n_entries or not np.array_equal(block.events.entry, entries):
            raise AssertionError(f"{part.source}: open_entries of the study passes over entries at {n_entries}")
        n_entries += len(block.status)
        status.append(block.status)
        if len(block.events):
            yield block.events
    if n_entries != opened.n_entries:
        raise AssertionError(f"{part.source}: open_entries of the study gave {n_entries} of {opened.n_entries} entries")


def _friend(
    application: Application,
    identity: Mapping[str, Any],
    opened: OpenEntries,
    status: NDArray[np.uint8],
    predictions: Predictions,
) -> Friend:
    package, prefix = application.package, application.prefix
    columns = {f"{prefix}{name}": column for name, column in _columns(application, opened, predictions).items()}
    counts = np.bincount(status, minlength=len(opened.reasons) + 1)
    codes = {name: code for code, name in enumerate(("predicted", *opened.reasons))}
    about = {
        **identity,
        "layout": opened.layout,
        "entries": opened.n_entries,
        "predicted": int(counts[PREDICTED]),
        "left_out": {reason: int(n) for reason, n in zip(opened.reasons, counts[1:], strict=True) if n},
        "status": codes,
        "columns": {name: {"units": column.units, "meaning": column.meaning} for name, column in columns.items()},
    }
    told = ", ".join(f"{code} {name}" for name, code in codes.items())
    title = (
        f"model {package.model} of {package.study}, package {package.hash}, hitforge {identity['hitforge_version']}; "
        f"{prefix}status: {told}"
    )
    tree = re.sub(r"\W", "_", f"{prefix}{package.model}", flags=re.ASCII)
    return Friend(tree, title, about, status, f"{prefix}status", columns)


def _columns(application: Application, opened: OpenEntries, predictions: Predictions) -> dict[str, Column]:
    """Return the columns of the predicted entries by their names without the prefix."""
    study, model = application.study, application.package.model
    columns = study.friend_columns(model, predictions, application.package.calibration)
    columns |= {
        f"raw_{name}": Column(values, "", f"output {name} of the ensemble, before calibration")
        for name, values in predictions.ensemble.items()
    }
    main = study.target if study.target in predictions.members else next(iter(predictions.members))
    members = predictions.members[main]
    if members.shape[1] > 1:
        spread = members.astype(np.float64).std(axis=1).astype(np.float32)
        meaning = f"standard deviation of output {main} over {members.shape[1]} members"
        columns["member_spread"] = Column(spread, "", meaning)
    if opened.has_truth:
        columns["target"] = Column(predictions.target, study.layout.targets[study.target], f"true {study.target}")
    return columns
