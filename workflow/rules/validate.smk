# What I need: parts. What I make: a verdict for each part, an inventory for each sample, and the assurance that samples
# have no events in common.
# A block of parts is one job; its files are known by name, so each block is a rule of its own.


for study, sample, block, parts in every_block():

    rule:
        """Validate a block of parts."""
        name:
            f"validate_{study}_{sample}_{block}"
        input:
            [file for part in parts for file in local_file(study, sample, part)],
        output:
            verdicts=[f"results/{study}/verdicts/{sample}/{part.id}.json" for part in parts],
            events=[f"results/{study}/verdicts/{sample}/{part.id}.events.npy" for part in parts],
        log:
            f"logs/validate/{study}/{sample}/{block}.log",
        benchmark:
            f"benchmarks/validate/{study}/{sample}/{block}.tsv"
        priority: 10
        group:
            "validate"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=10,
        params:
            study=study,
            settings=given_to(study, "validate"),
            parts={part.id: address(study, sample, part) for part in parts},
            files=[file_state(part) for part in parts],
            code=fingerprint_of(study, "validate", "validate.py"),
        script:
            "../scripts/validate.py"


rule take_inventory:
    """Decide which parts of a sample are used: bad ones and duplicates are not."""
    input:
        verdicts=sample_verdicts,
        events=sample_events,
    output:
        inventory="results/{study}/inventory/{sample}.json",
        events="results/{study}/inventory/{sample}.events.npz",
    log:
        "logs/take_inventory/{study}/{sample}.log",
    benchmark:
        "benchmarks/take_inventory/{study}/{sample}.tsv"
    priority: 10
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        policy=SETTINGS.on_bad_part,
        max_bad_fraction=SETTINGS.max_bad_fraction,
        memory="results/{study}/inventory/.{sample}.first_seen.json",
        code=code("inventory", "take_inventory.py"),
    script:
        "../scripts/take_inventory.py"


rule compare_samples:
    """Look for events that are in several samples: in train and test they are an error."""
    input:
        events_of_samples,
    output:
        "results/{study}/shared_events.json",
    log:
        "logs/compare_samples/{study}.log",
    benchmark:
        "benchmarks/compare_samples/{study}.tsv"
    # before hours of training: what it finds stops everything
    priority: 10
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        roles=roles,
        policy=SETTINGS.on_bad_part,
        code=code("inventory", "compare_samples.py"),
    script:
        "../scripts/compare_samples.py"
