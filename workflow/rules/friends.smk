# What I need: a model package and files to apply it to, named by `apply` in the configuration. What I make: a friend
# file for each, in a folder of the configuration. A block of files is one job.


def friends_of(parts):
    """Return the friend files of parts."""
    return [f"{APPLY.out}/{FRIENDS[part.id]}" for part in parts]


def no_application(wildcards):
    """Say what the target needs."""
    raise WorkflowError(
        "friends: nothing to apply; add to the call, or to a config file: --config "
        "apply=\"{package: muon-cnn.hitforge.zip, source: '/data/*.root', out: friends}\""
    )


APPLY = SETTINGS.apply

if APPLY is None:

    rule friends:
        """Apply a model package to files."""
        input:
            no_application,
        localrule: True

else:
    from hitforge.config import SampleSettings
    from hitforge.friends import friend_names, summary_name
    from hitforge.packages import PackageError, open_package

    try:
        with open_package(Path(APPLY.package)) as package:
            PACKAGE = package.about
        FILES = list_parts("apply", SampleSettings(role="test", source=APPLY.source))
        declaration_of(PACKAGE["study"])
    except (ConfigError, PackageError, OSError) as error:
        raise WorkflowError(str(error))
    FRIENDS = friend_names(FILES, PACKAGE["model"], APPLY.format)
    PLACE = f"{PACKAGE['study']}/{PACKAGE['model']}"

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
                runtime=60,
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
