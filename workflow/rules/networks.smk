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
        fit=names(fit for study in STUDIES for fit in fits_trained_by(study, together=False)),
    # by the engine alone: within its Slurm job a training that ran out of time must not start again
    retries: 10 if workflow.is_main_process else 0
    conda:
        "../../envs/train.yaml"
    threads: loader_threads
    resources:
        gpu=1,
        mem_mb=megabytes(4000),
        runtime=600,
    params:
        settings=given("train_member"),
        folds=member_folds,
        seed=SETTINGS.seed,
        # not an output: outputs are deleted before a retry, and a checkpoint is what a retry needs
        checkpoint="results/{study}/checkpoints/{fit}/member_{member}.pt",
        code=code("train_member", "train_member.py"),
    message:
        "Training member {wildcards.member} of {wildcards.fit} ({wildcards.study})"
    script:
        "../scripts/train_member.py"


# With members_per_gpu a job has the members of a group as its outputs, and those are no wildcard's: a rule each.
# What a profile sets for train_member counts for each of them.
for study, fit, members in every_group_of_members():

    rule:
        """Train members of an ensemble side by side, each as alone."""
        name:
            name_of_group(study, fit, members)
        input:
            shards=train_lists(study),
            inventory=f"results/{study}/inventory/{train_sample(study)}.json",
            scaling=scaling_path(study, fit),
        output:
            weights=[f"results/{study}/models/{fit}/member_{k}.safetensors" for k in members],
            histories=[f"results/{study}/models/{fit}/member_{k}.json" for k in members],
        log:
            job=f"logs/train_members/{study}/{fit}/from_{members[0]}.log",
            members=[f"logs/train_members/{study}/{fit}/member_{k}.log" for k in members],
        benchmark:
            f"benchmarks/train_members/{study}/{fit}/from_{members[0]}.tsv"
        retries: 10 if workflow.is_main_process else 0
        conda:
            "../../envs/train.yaml"
        threads: len(members) * training_of(study, fit).loader_threads
        resources:
            gpu=1,
            mem_mb=megabytes(4000 * len(members)),
            runtime=600,
        params:
            study=study,
            fit=fit,
            members=list(members),
            settings=given_to(study, "train_member", fit),
            folds=[folds_of_member(study, fit, k) for k in members],
            seed=SETTINGS.seed,
            checkpoints=[f"results/{study}/checkpoints/{fit}/member_{k}.pt" for k in members],
            code=fingerprint_of(study, "train_member", "train_members.py"),
            # a checkpoint is the same whether its member was trained alone or not
            code_of_member=fingerprint_of(study, "train_member", "train_member.py"),
        script:
            "../scripts/train_members.py"

    workflow.get_rule(name_of_group(study, fit, members)).resources.update(
        workflow.resource_settings.overwrite_resources.get("train_member", {})
    )
