# What I need: train shards and a scaling. What I make: the members of a network's ensemble.


rule train_member:
    """Train one member; it continues from its checkpoint after whatever ended it before."""
    input:
        shards=train_shards,
        inventory=train_inventory,
        scaling=scaling_of,
    output:
        weights="results/{study}/models/{fit}/member_{member}.safetensors",
        history="results/{study}/models/{fit}/member_{member}.json",
    log:
        "logs/train_member/{study}/{fit}/member_{member}.log",
    benchmark:
        "benchmarks/train_member/{study}/{fit}/member_{member}.tsv"
    wildcard_constraints:
        study=names(TRAINED),
        fit=names(fit for study in STUDIES for fit in fits_of(study, "network")),
    # by the engine alone: within its Slurm job a training that ran out of time must not start again
    retries: 10 if workflow.is_main_process else 0
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=megabytes(4000),
        runtime=600,
    params:
        settings=cut("train_member"),
        folds=member_folds,
        seed=SETTINGS.seed,
        # not an output: outputs are deleted before a retry, and a checkpoint is what a retry needs
        checkpoint="results/{study}/checkpoints/{fit}/member_{member}.pt",
        code=code("train_member", "train_member.py"),
    script:
        "../scripts/train_member.py"
