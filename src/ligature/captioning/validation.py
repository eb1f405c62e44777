"""The loss of a vision-language model on captions that it is not trained on."""

import torch

from ligature.captioning.batches import collate, render_pairs
from ligature.captioning.features import ViewFeatures
from ligature.captioning.loop import summed_loss
from ligature.captioning.model import VisionLanguageModel
from ligature.captioning.samples import CaptionData


@torch.no_grad()
def validation_loss(
    model: VisionLanguageModel, data: CaptionData, *, batch_size: int = 32, features: ViewFeatures | None = None
) -> float:
    """Returns the mean cross entropy in nats over all labelled tokens of all captions, with the first prompt.

    Args:
        model: is measured in evaluation mode, and left as it was.
        data: images and captions.
        batch_size: pairs that are computed at once, captions of like length together.
        features: of the images of ``data``, made while the tower was as it is now; computed where None.

    Raises:
        DataError: naming an image that cannot be read.
    """
    features = features or ViewFeatures(model, data.paths)
    order = sorted(range(len(data.captions)), key=lambda row: (len(data.captions[row]), row))
    training, loss, tokens = model.training, 0.0, 0
    model.eval()
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        seen = features.load([data.image_of_text[row] for row in rows])
        batch = collate(render_pairs(model.chat, data, seen, rows, [0] * len(rows)), model.chat)
        loss += summed_loss(model, features, batch).item()
        tokens += batch.count
    model.train(training)
    return loss / tokens
