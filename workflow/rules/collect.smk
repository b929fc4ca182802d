# Named partial targets: nothing but inputs. Each works for all studies; a study's name is a target too.


rule ntuples:
    """Simulate all parts that are to be simulated."""
    input:
        [
            address(study, sample, part)
            for study in CHOSEN
            for sample in BLOCKS[study]
            for part in parts_of(study, sample)
            if part.source is None
        ],
    localrule: True


rule verdicts:
    """Validate all parts and decide which are used."""
    input:
        [f"results/{study}/inventory/{sample}.json" for study in CHOSEN for sample in BLOCKS[study]],
        [f"results/{study}/shared_events.json" for study in CHOSEN],
    localrule: True


rule shards:
    """Build all shards."""
    input:
        [path for study in CHOSEN for sample in BLOCKS[study] for path in sample_shards(study, sample)],
    localrule: True


rule trees:
    """Train all boosted trees of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "trees")],
    localrule: True


rule lookups:
    """Fit all lookup tables of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "table")],
    localrule: True


rule networks:
    """Train all networks of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "network")],
    localrule: True


rule bdt:
    """Alias of trees."""
    input:
        rules.trees.input,
    localrule: True


rule cnn:
    """Alias of networks."""
    input:
        rules.networks.input,
    localrule: True


rule predictions:
    """Predict all samples with the reported models."""
    input:
        [path for study in CHOSEN for path in reported_predictions(study)],
    localrule: True


rule metrics:
    """Evaluate the reported models."""
    input:
        [path for study in CHOSEN for path in reported_metrics(study)],
    localrule: True


rule tables:
    """Write the tables of all studies."""
    input:
        [path for study in CHOSEN for path in table_files(study)],
    localrule: True


rule packages:
    """Pack the reported models, each into one file that leaves the house."""
    input:
        [f"results/{study}/packages/{model}.hitforge.zip" for study in CHOSEN for model in reported(study)],
    localrule: True


rule rocrate:
    """Describe the run as an RO-Crate."""
    input:
        rules.describe_run.output,
    localrule: True


rule report:
    """Write the report."""
    input:
        "results/report/index.html",
    localrule: True


for study in STUDIES:

    rule:
        """Make everything of one study, and its own page."""
        name:
            study
        input:
            table_files(study),
            figure_files(study),
            f"results/{study}/report.html",
        localrule: True
