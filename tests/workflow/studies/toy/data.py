import numpy as np

from hitforge.folds import bucket_of
from hitforge.provenance import content_hash
from hitforge.shards import ShardBlock, ShardLayout
from hitforge.validation import PartFindings, Problem


def layout():
    return ShardLayout(("signal", "width"), ("GeV", "mm"), targets={"energy": "GeV"}, truth={})


def events(source):
    return np.loadtxt(source, np.float32, ndmin=2, usecols=(0, 1, 2))


def inspect(source):
    try:
        found = events(source).tolist()
    except ValueError as error:
        problem = Problem("unreadable", str(error), "write signal, width and energy on each line", source)
        return PartFindings(n_events=0, content_checksum="", layout="text", problems=(problem,))
    return PartFindings(n_events=len(found), content_checksum=content_hash(found), layout="text", problems=())


def read(source):
    found = events(source)
    bucket, entry = bucket_of(found.view(np.uint8)), np.arange(len(found))
    yield ShardBlock(found[:, :2], bucket, entry, targets={"energy": found[:, 2]}, truth={})
