# hitforge: simulated detector ntuples in, trained models and report tables out.
# `snakemake -n` shows the plan; named partial targets are in workflow/rules/collect.smk.
from snakemake.utils import min_version

min_version("9.0")


# beside this file, wherever the working directory is
configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/parts.smk"
include: "workflow/rules/fits.smk"
include: "workflow/rules/plans.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/validate.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/scaling.smk"
include: "workflow/rules/trees.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/manifests.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/refusals.smk"


rule all:
    default_target: True
    input:
        "results/report/index.html",


onsuccess:
    show_headlines()
