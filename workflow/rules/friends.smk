# What I need: a model package and files to apply it to, named by `apply` in the configuration. What I make: a friend
# file for each, in a folder of the configuration. A block of files is one job.


if APPLY is None:

    rule friends:
        """Apply a model package to files."""
        input:
            no_application,
        localrule: True

else:
    for block, parts in assign_blocks(FILES, APPLY.blocks).items():

        rule:
            """Apply the model package to a block of files."""
            name:
                f"apply_{PACKAGE['study']}_{block}"
            input:
                package=APPLY.package,
                files=[part.local_path for part in parts if part.is_local],
            output:
                friends_of(parts),
            log:
                f"logs/apply/{PLACE}/{block}.log",
            benchmark:
                f"benchmarks/apply/{PLACE}/{block}.tsv"
            group:
                "apply"
            conda:
                "../../envs/train.yaml"
            threads: 1
            resources:
                mem_mb=megabytes(1000),
                runtime=30,
            params:
                hash=PACKAGE["hash"],
                parts={part.id: part.source for part in parts},
                files=[file_state(part) for part in parts],
                format=APPLY.format,
                prefix=APPLY.prefix,
                code=fingerprint_of(PACKAGE["study"], "apply", "apply.py"),
            script:
                "../scripts/apply.py"

    rule list_friends:
        """List what became of the entries of all files."""
        input:
            friends_of(FILES),
        output:
            f"{APPLY.out}/{summary_name(PACKAGE['model'])}",
        log:
            f"logs/list_friends/{PLACE}.log",
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=10,
        script:
            "../scripts/list_friends.py"

    rule friends:
        """Apply a model package to files."""
        input:
            friends_of(FILES),
            rules.list_friends.output,
        localrule: True
