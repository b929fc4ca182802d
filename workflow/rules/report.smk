# What I need: metrics and everything above. What I make: tables, figures and the report page.


for study in STUDIES:

    rule:
        name:
            f"make_tables_{study}"
        input:
            **report_inputs(study),
        output:
            table_files(study),
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
        name:
            f"make_figures_{study}"
        input:
            **report_inputs(study),
        output:
            figure_files(study),
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
        name:
            name
        input:
            tables=[path for study in studies for path in table_files(study)],
            figures=[path for study in studies for path in figure_files(study)],
        output:
            page,
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
