"""Apply a model package to a block of files (rule apply)."""

from pathlib import Path

from hitforge.logs import start_log
from hitforge.packages import open_package
from hitforge.samples import Part
from hitforge.stages.apply import apply_parts, load_application

start_log(snakemake.log[0])
params = snakemake.params
parts = [Part(part, source, number) for number, (part, source) in enumerate(params.parts.items())]
# these jobs ask for no GPU but take one that is there
device = "cpu" if snakemake.config["device"] == "cpu" else "auto"
with open_package(Path(snakemake.input.package)) as package:
    application = load_application(package, params.format, params.prefix, device)
    apply_parts(application, dict(zip(map(Path, snakemake.output), parts, strict=True)))
