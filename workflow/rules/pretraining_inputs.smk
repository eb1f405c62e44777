# What pre-training, and what uses pre-trained encoders, reads.
from ligature.params.pretraining_checks import pretraining_sets

gauged_sets = (
    list(
        dict.fromkeys(
            [
                *pretraining.classification,
                *pretraining.retrieval,
                *(
                    [pretraining.probe.train, pretraining.probe.test]
                    if pretraining.probe
                    else []
                ),
            ]
        )
    )
    if pretraining
    else []
)


def pretraining_inputs(wildcards):
    """Returns what a pre-training reads: images, the data set of the gap, and, where captions are told apart, vectors."""
    names, _ = pretraining_sets(study)
    semantic = pretraining.points[wildcards.pretrained].semantic
    vectors = [
        path
        for name in names
        for path in manifests("pooled", pretraining.semantics, name)
    ]
    images = [
        path for name in [*names, pretraining.validation] for path in image_files(name)
    ]
    return list(dict.fromkeys(images + (vectors if semantic else [])))


def pretraining_block(wildcards):
    """Returns everything that decides a pre-training but the run itself."""
    measures = {"grid", "runs", "seeds", "classification", "retrieval", "probe"}
    names, weights = pretraining_sets(study)
    block = dump(pretraining, exclude=measures | {"datasets", "mix"})
    unread = {"prompts", "translations", "descriptions"}
    sets = {
        name: (
            dump(study.datasets[name], exclude=unread)
            if name in study.datasets
            else None
        )
        for name in [*names, pretraining.validation]
    }
    return block | {"sets": sets, "weights": weights}


def gauge_block(wildcards):
    """Returns everything that decides how a pre-trained pair is measured."""
    measures = dump(pretraining, include={"classification", "retrieval", "probe"})
    return measures | {
        "datasets": {name: dump(study.datasets[name]) for name in gauged_sets}
    }


def semantic_manifests():
    """Returns the embeddings of captions that pre-training tells apart; those of downloaded sets come later."""
    if not pretraining or not any(run.semantic for run in pretraining.points.values()):
        return []
    names, _ = pretraining_sets(study)
    embedded = [
        (pretraining.semantics, name) for name in names if name in study.datasets
    ]
    return matching_manifests(embedded)


def pretrained_manifests():
    """Returns the embeddings by encoders that the study pre-trains, of all data sets that are known before discovery."""
    discovery = [
        path
        for vision in compared_vision
        for text in compared_text
        for path in pair_manifests(
            "pooled", vision, text, [*study.pairs.datasets, *probe_datasets]
        )
    ]
    known = [
        *discovery,
        *baseline_manifests(),
        *matching_manifests(embedded_sets(study)),
    ]
    return [path for path in dict.fromkeys(known) if "pretrained" in path.parts]
