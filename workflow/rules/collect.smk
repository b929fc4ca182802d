# Named partial targets: nothing but inputs. Each works for all studies; a study's name is a target too.


localrules:
    all,
    ntuples,
    verdicts,
    shards,
    trees,
    lookups,
    networks,
    bdt,
    cnn,
    predictions,
    metrics,
    tables,
    report,


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


rule verdicts:
    """Validate all parts and decide which are used."""
    input:
        [f"results/{study}/inventory/{sample}.json" for study in CHOSEN for sample in BLOCKS[study]],
        [f"results/{study}/shared_events.json" for study in CHOSEN],


rule shards:
    """Build all shards."""
    input:
        [path for study in CHOSEN for sample in BLOCKS[study] for path in sample_shards(study, sample)],


rule trees:
    """Train all boosted trees of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "trees")],


rule lookups:
    """Fit all lookup tables of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "table")],


rule networks:
    """Train all networks of the reported models."""
    input:
        [path for study in CHOSEN for path in manifests(study, "network")],


rule bdt:
    """Alias of trees."""
    input:
        rules.trees.input,


rule cnn:
    """Alias of networks."""
    input:
        rules.networks.input,


rule predictions:
    """Predict all samples with the reported models."""
    input:
        [path for study in CHOSEN for path in reported_predictions(study)],


rule metrics:
    """Evaluate the reported models."""
    input:
        [path for study in CHOSEN for path in reported_metrics(study)],


rule tables:
    """Write the tables of all studies."""
    input:
        [path for study in CHOSEN for path in table_files(study)],


rule report:
    """Write the report."""
    input:
        "results/report/index.html",


for study in STUDIES:

    rule:
        name:
            study
        input:
            table_files(study),
            figure_files(study),
            f"results/{study}/report.html",
        localrule: True
