"""What encoders are trained on from scratch: images, captions, their distances in meaning."""

import numpy as np

from ligature.cli.captions import hash_captions, load_captions
from ligature.cli.pretraining.semantics import load_semantics
from ligature.data.mixture import Mixture
from ligature.errors import ParamsError
from ligature.params.pretraining import PretrainingParams, PretrainingRun
from ligature.params.pretraining_checks import pretraining_sets
from ligature.pretraining import ImageTextPairs
from ligature.store import Layout
from ligature.store.hashing import hash_strings


def pretraining_params(layout: Layout) -> PretrainingParams:
    """Returns the `pretraining` block.

    Raises:
        ParamsError: when the study has none.
    """
    if layout.study.pretraining is None:
        raise ParamsError(f"study {layout.study.study!r} has no pretraining block")
    return layout.study.pretraining


def load_pairs_to_pretrain(layout: Layout, run: PretrainingRun) -> ImageTextPairs:
    """Loads the data sets or downloaded sets of the `pretraining` block, one after the other.

    The captions of an image of a labelled data set are the prompts of its class. The bytes of all images are read once,
    for a hash by which a killed training knows its data again.

    Args:
        layout: of the study.
        run: the variant, which says whether semantic vectors are needed.

    Raises:
        DataError: naming the file, row or key that is wrong.
        StoreError: when the texts of a set are not embedded, or were embedded of other images or captions.
    """
    block = pretraining_params(layout)
    names, weights = pretraining_sets(layout.study)
    sets = [load_captions(layout, name) for name in names]
    starts = np.cumsum([0, *(len(each.images) for each in sets)])
    owners = [each.image_of_text + start for each, start in zip(sets, starts, strict=False)]
    return ImageTextPairs(
        paths=[path for each in sets for path in each.images["path"]],
        image_ids=[id_ for each in sets for id_ in each.images["id"]],
        captions=[caption for each in sets for caption in each.captions],
        image_of_text=np.concatenate(owners),
        semantics=load_semantics(layout, block.semantics, sets) if run.semantic else None,
        content_hash=hash_strings(hash_captions(each) for each in sets),
        mixture=None if block.mix is None else Mixture.of(np.diff(starts).tolist(), weights),
    )
