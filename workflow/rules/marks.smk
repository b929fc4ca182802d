# Of each table and figure one form is marked for the engine's own report (snakemake --report report.zip).


def title_of(text):
    """Return the function that says what a result shows, once its text is there."""

    def title(wildcards):
        return {"title": read_json(Path(text))["title"]}

    return title


def marked(study, kind, shown, paths):
    """Return the files of a study's tables or figures; those in the form shown are marked."""
    caption = f"../report/{kind}.rst"

    def mark(path):
        labels = title_of(f"{path.removesuffix(shown)}.json")
        return report(path, caption=caption, category=study, subcategory=f"{kind}s", labels=labels)

    return [mark(path) if path.endswith(shown) else path for path in paths]


def page_of(page, studies):
    """Return a page, marked."""
    labels = {"title": ", ".join(studies)}
    return report(page, caption="../report/page.rst", category="page", labels=labels)
