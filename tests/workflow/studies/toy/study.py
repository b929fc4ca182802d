"""The energy of a shower from its signal and its width."""

from hitforge.config import StudySettings
from hitforge.studies.declaration import Declaration, EntryPoint

STUDY = Declaration(
    name="toy",
    settings=StudySettings,
    target="energy",
    layout=EntryPoint("data:layout"),
    inspect=EntryPoint("data:inspect"),
    read=EntryPoint("data:read"),
    calibrate=EntryPoint("evaluation:calibrate"),
    calibrated=EntryPoint("evaluation:calibrated"),
    evaluate=EntryPoint("evaluation:evaluate"),
    compare=EntryPoint("evaluation:compare"),
)
