# What I need: the configuration. What I make: simulated parts in the original's file format.


rule simulate_part:
    """Simulate one part of a sample whose source is 'simulate'."""
    output:
        "results/{study}/ntuples/{sample}/{part}.root",
    log:
        "logs/simulate_part/{study}/{sample}/{part}.log",
    benchmark:
        "benchmarks/simulate_part/{study}/{sample}/{part}.tsv"
    conda:
        "../../envs/data.yaml"
    group:
        "simulate"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=60,
    params:
        settings=cut("simulate"),
        sample=sample_settings,
        index=part_index,
        seed=SETTINGS.seed,
        code=code("simulate", "simulate_part.py"),
    script:
        "../scripts/simulate_part.py"
