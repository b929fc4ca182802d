# What I need: the trained files of a fit. What I make: its manifest.


rule assemble_model:
    """Write the manifest of a fit; the members of an ensemble are weighed by their monitoring losses."""
    input:
        members=trained_files,
        histories=histories,
    output:
        "results/{study}/models/{fit}/model.json",
    log:
        "logs/assemble_model/{study}/{fit}.log",
    benchmark:
        "benchmarks/assemble_model/{study}/{fit}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
    group:
        "assemble_model"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        settings=given("assemble"),
        code=code("assemble", "assemble_model.py"),
    script:
        "../scripts/assemble_model.py"
