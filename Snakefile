# hitforge: simulated detector ntuples in, trained models and report tables out.
# `snakemake -n` shows the plan; named partial targets are in workflow/rules/collect.smk.
include: "workflow/Snakefile"


# the engine forgets the default target of a file that is included
if workflow.modifier.avail_rulename("all"):
    workflow.default_target = workflow.modifier.modify_rulename("all")
