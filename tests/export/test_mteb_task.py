"""The exported folder under mteb, where that is installed."""

import numpy as np
import pytest
from tiny_models import picture

mteb = pytest.importorskip("mteb")

LABELS = ["a red circle", "the big blue square"]


def zero_shot_task():
    """Returns a task of four pictures in memory."""
    from datasets import Dataset
    from mteb.abstasks.task_metadata import TaskMetadata
    from mteb.abstasks.zeroshot_classification import AbsTaskZeroShotClassification

    class Pictures(AbsTaskZeroShotClassification):
        metadata = TaskMetadata(
            name="TinyPictures",
            description="four pictures",
            reference="https://example.org",
            type="ZeroShotClassification",
            category="i2t",
            modalities=["text", "image"],
            eval_splits=["test"],
            eval_langs=["eng-Latn"],
            main_score="accuracy",
            dataset={"path": "tiny/pictures", "revision": "1"},
        )

        def load_data(self, *_, **__):
            images = [picture(seed) for seed in range(4)]
            self.dataset = {"test": Dataset.from_dict({"image": images, "label": [0, 1, 0, 1]})}
            self.data_loaded = True

        def get_candidate_labels(self):
            return LABELS

    return Pictures()


def test_a_zero_shot_task_gives_the_accuracy_of_the_pair(study, pair):
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(study.model), trust_remote_code=True, device="cpu")
    wrapper = SentenceTransformerEncoderWrapper(model)
    facts = {"name": "tiny/pair", "modalities": ["text", "image"]}  # mteb reads them off the Hub alone
    wrapper.mteb_model_meta = wrapper.mteb_model_meta.model_copy(update=facts)
    result = mteb.evaluate(wrapper, [zero_shot_task()], cache=None, encode_kwargs={"show_progress_bar": False})
    predicted = pair.similarity([picture(seed) for seed in range(4)], LABELS).argmax(axis=1)
    expected = np.mean(predicted == [0, 1, 0, 1])
    assert result.task_results[0].scores["test"][0]["accuracy"] == pytest.approx(expected)
