# What I need: the configuration. What I make: simulated parts in the original's file format.
# A block of parts is one job, as in every stage that works part by part.


for study, sample, block, parts in every_block():
    if parts[0].source is not None:
        continue

    rule:
        """Simulate a block of parts."""
        name:
            f"simulate_{study}_{sample}_{block}"
        output:
            [address(study, sample, part) for part in parts],
        log:
            f"logs/simulate/{study}/{sample}/{block}.log",
        benchmark:
            f"benchmarks/simulate/{study}/{sample}/{block}.tsv"
        group:
            "simulate"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=30,
        params:
            study=study,
            sample_name=sample,
            settings=given_to(study, "simulate"),
            sample=sample_settings(study, sample),
            indices=[part.index for part in parts],
            seed=SETTINGS.seed,
            code=fingerprint_of(study, "simulate", "simulate.py"),
        script:
            "../scripts/simulate.py"
