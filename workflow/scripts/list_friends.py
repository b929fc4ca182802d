"""List what became of the entries of all files that a model was applied to (rule list_friends)."""

from pathlib import Path

from hitforge.friends import read_about, write_summary
from hitforge.logs import start_log

start_log(snakemake.log[0])
friends = {path: read_about(path) for path in map(Path, snakemake.input)}
write_summary(Path(snakemake.output[0]), {path.name: about for path, about in friends.items()}, {})
