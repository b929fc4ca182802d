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


rule make_report:
    """Bind the tables and figures of all studies into one self-contained page."""
    input:
        tables=[path for study in STUDIES for path in table_files(study)],
        figures=[path for study in STUDIES for path in figure_files(study)],
    output:
        "results/report/index.html",
    log:
        "logs/make_report.log",
    benchmark:
        "benchmarks/make_report.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=megabytes(1000),
        runtime=10,
    params:
        studies=STUDIES,
        run={
            "seed": SETTINGS.seed,
            "device": SETTINGS.device,
            "preset": config.get("preset", ""),
        },
        previous="results/report/.previous.json",
        code=[fingerprint_of(study, "page", "make_report.py") for study in STUDIES],
    script:
        "../scripts/make_report.py"
