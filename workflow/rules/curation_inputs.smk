# Inputs of curation. Which file of a source, which state, which rows a job reads.
own_projector = layout.train / "projector.safetensors"
all_pool_parts = (
    [
        path
        for source in [*curate.pool, *curate.captioned]
        for path in layout.pool_parts(source)
    ]
    if curate
    else []
)
merge_levels = layout.merge_levels if curate else [0]
trained = [own_projector] if curate and not curate.scorer else []
set_tables = {
    "collected": [layout.curation / "selected.parquet"],
    "random": [layout.curation / "random.parquet"],
}
all_reports = [
    folder / "report.json"
    for name in layout.sets
    for folder in layout.download_chunks(name)
]


def source_inputs(wildcards):
    """Returns the file that one part of a source is read from, and evaluation sets whose captions are dropped."""
    source = study.sources[wildcards.source]
    guarded = curate.decontaminate.datasets if curate.decontaminate.captions else []
    files = (
        [layout.source_file(wildcards.source, int(wildcards.part) // source.slices)]
        if source.resource
        else data_markers(source)
    )
    return files + [
        path for name in guarded for path in data_markers(study.datasets[name])
    ]


def part_manifest(wildcards):
    """Returns the embeddings of the captions that one scoring job reads."""
    source, part = layout.pool_jobs[int(wildcards.part)]
    store = layout.embeddings("pooled", scorer_encoder("text"), source, part)
    return store / "manifest.json"


def scorer_encoder(side):
    """Returns the encoder of one side of the pair that scores captions."""
    if curate.scorer:
        return getattr(curate.scorer, side)
    return dict(zip(("vision", "text"), chosen()))[side]


def merged_states(wildcards):
    """Returns the states of the level below."""
    return layout.merge_inputs(int(wildcards.level), int(wildcards.part))


def set_inputs(wildcards):
    """Returns the rows of a set that is downloaded."""
    server = data_markers(download)
    if wildcards.set in set_tables:
        return server + set_tables[wildcards.set]
    return server + layout.pool_parts(wildcards.set) + [layout.duplicates]


def scorer_manifests(side, datasets):
    """Returns an input function: embeddings of data sets under one side of the pair that scores captions."""

    def inputs(wildcards):
        if not datasets:
            return []
        encoder = scorer_encoder(side)
        return [
            path for name in datasets for path in manifests("pooled", encoder, name)
        ]

    return inputs
