"""The count of operations of a sample, for every connector."""

import pytest
import torch
from tiny_models import SIDE
from tiny_vlm import tiny_vlm

from ligature.captioning.flops import count_sample_flops
from ligature.captioning.packing import pack
from ligature.params.captioning import OF_KIND


@pytest.mark.parametrize("kind", OF_KIND)
def test_operations_of_every_connector_are_counted_and_gradients_stay_as_they_were(kind, tmp_path):
    model = tiny_vlm(tmp_path, kind=kind)
    model.set_trained({"connector", "language"})
    trained = [weight.requires_grad for weight in model.parameters()]
    packed = pack([model.chat.render([(0, 0)], "a red circle")], model.tokenizer.pad_token_id)
    both, vision = count_sample_flops(model, torch.zeros(1, 3, SIDE, SIDE), packed)
    assert [weight.requires_grad for weight in model.parameters()] == trained
    model.set_trained({"connector"})
    alone, _ = count_sample_flops(model, torch.zeros(1, 3, SIDE, SIDE), packed)
    assert both > alone > vision > 0, "weights of the language model that are trained cost a product more"
