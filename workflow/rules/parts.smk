# Parts, blocks of parts, and the files made of them.


def every_block():
    """Yield (study, sample, block, parts) of all blocks."""
    for study in STUDIES:
        for sample, blocks in BLOCKS[study].items():
            for block, parts in blocks.items():
                yield study, sample, block, parts


def parts_of(study, sample):
    """Return all parts of a sample, sorted by id."""
    return sorted(
        (part for parts in BLOCKS[study][sample].values() for part in parts),
        key=lambda part: part.id,
    )


def address(study, sample, part):
    """Return what the readers open: the part's source, or the simulated file."""
    return part.source or f"results/{study}/ntuples/{sample}/{part.id}.root"


def local_file(study, sample, part):
    """Return the file that the engine can check, or nothing for a remote part."""
    if part.source is None:
        return [address(study, sample, part)]
    return [part.local_path] if part.is_local else []


def file_state(part):
    """Return (size, mtime) of a local source: a replaced part is noticed even when its file is older."""
    if part.source is None or not part.is_local:
        return None
    try:
        state = Path(part.local_path).stat()
    except FileNotFoundError:
        return None  # the engine says so
    except OSError as error:
        raise WorkflowError(f"{part.local_path}: cannot be looked at: {error.strerror}")
    return [state.st_size, state.st_mtime_ns]


def sample_settings(study, sample):
    """Return the settings of a sample without its number of parts: more parts change no part."""
    return SETTINGS.studies[study].samples[sample].model_dump(mode="json", exclude={"parts", "role"})


def sample_verdicts(wildcards):
    """Return the verdicts of a sample."""
    parts = parts_of(wildcards.study, wildcards.sample)
    return [f"results/{wildcards.study}/verdicts/{wildcards.sample}/{part.id}.json" for part in parts]


def sample_events(wildcards):
    """Return the identities of the events of a sample's parts, in the order of the verdicts."""
    return [path.removesuffix(".json") + ".events.npy" for path in sample_verdicts(wildcards)]


def events_of_samples(wildcards):
    """Return the identities of the events of each sample of a study."""
    return [f"results/{wildcards.study}/inventory/{sample}.events.npz" for sample in roles(wildcards)]


def roles(wildcards):
    """Return the role of each sample of a study."""
    return {name: sample.role for name, sample in SETTINGS.studies[wildcards.study].samples.items()}


def independent(wildcards):
    """Return the assurance that a study's samples share no events: awaited, but no reason to do anything again."""
    return ancient(f"results/{wildcards.study}/shared_events.json")


def sample_shards(study, sample):
    """Return the shards of a sample."""
    return [f"results/{study}/shards/{sample}/{part.id}.h5" for part in parts_of(study, sample)]


def train_lists(study):
    """Return the lists of the train sample's shards."""
    sample = train_sample(study)
    return [f"results/{study}/shards/{sample}/{block}.json" for block in BLOCKS[study][sample]]


def train_shards(wildcards):
    """Return the lists of the train sample's shards."""
    return train_lists(wildcards.study)


def train_inventory(wildcards):
    """Return the inventory of the train sample."""
    return f"results/{wildcards.study}/inventory/{train_sample(wildcards.study)}.json"
