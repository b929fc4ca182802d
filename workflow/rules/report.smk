# What I need: metrics and everything above. What I make: tables, figures and the report page.


for study in STUDIES:

    rule:
        """Write the tables of a study."""
        name:
            f"make_tables_{study}"
        input:
            **report_inputs(study),
        output:
            marked(study, "table", ".csv", table_files(study)),
        log:
            f"logs/make_tables/{study}.log",
        benchmark:
            f"benchmarks/make_tables/{study}.tsv"
        conda:
            "../../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=15,
        params:
            inputs=report_paths(study),
            code=fingerprint_of(study, "tables", "make_tables.py"),
        script:
            "../scripts/make_tables.py"

    rule:
        """Draw the figures of a study."""
        name:
            f"make_figures_{study}"
        input:
            **report_inputs(study),
        output:
            marked(study, "figure", ".svg", figure_files(study)),
        log:
            f"logs/make_figures/{study}.log",
        benchmark:
            f"benchmarks/make_figures/{study}.tsv"
        conda:
            "../../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(2000),
            runtime=15,
        params:
            inputs=report_paths(study),
            code=fingerprint_of(study, "figures", "make_figures.py"),
        script:
            "../scripts/make_figures.py"


# the page of the chosen studies, and one of each study alone
PAGES = {
    "make_report": ("results/report/index.html", CHOSEN),
    **{f"make_report_{study}": (f"results/{study}/report.html", [study]) for study in STUDIES},
}
for name, (page, studies) in PAGES.items():

    rule:
        """Bind tables and figures into a page."""
        name:
            name
        input:
            tables=[path for study in studies for path in table_files(study)],
            figures=[path for study in studies for path in figure_files(study)],
        output:
            page_of(page, studies),
        log:
            f"logs/{name}.log",
        benchmark:
            f"benchmarks/{name}.tsv"
        conda:
            "../../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=10,
        params:
            studies=studies,
            run={
                "seed": SETTINGS.seed,
                "device": SETTINGS.device,
                "preset": config.get("preset", ""),
            },
            previous=str(Path(page).parent / ".previous.json"),
            code=[fingerprint_of(study, "page", "make_report.py") for study in studies],
        script:
            "../scripts/make_report.py"


rule describe_run:
    """Describe inputs, software and results of the run as an RO-Crate, which the results folder becomes."""
    input:
        page="results/report/index.html",
        metrics=[path for study in CHOSEN for path in reported_metrics(study)],
    output:
        "results/ro-crate-metadata.json",
    log:
        "logs/describe_run.log",
    benchmark:
        "benchmarks/describe_run.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        studies=CHOSEN,
        code=[fingerprint_of(study, "page", "describe_run.py") for study in CHOSEN],
    script:
        "../scripts/describe_run.py"
