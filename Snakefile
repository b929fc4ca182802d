# hitforge: simulated detector ntuples in, trained models and report tables out.
# `snakemake -n` shows the plan; named partial targets are in workflow/rules/collect.smk.
from snakemake.utils import min_version

min_version("9.0")


# common.smk reads config/config.yaml: by our own reader, and from this checkout also where another workflow uses it
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


rule all:
    default_target: True
    input:
        "results/report/index.html",
    localrule: True


onsuccess:
    show_headlines()
