"""The vision tower against the encoders it holds, frozen and trained, and what is saved of it."""

import json
from pathlib import Path

import pytest
import torch
from tiny_clip import save_clip
from tiny_models import ARCHITECTURES, PATCH, SIDE, WIDTH, contents, layout, picture, vision_params
from tiny_pair import save_tiny_pair
from tiny_towers import tiny_smolvlm, tiny_vision_params

from ligature.captioning.vision import VisionTower, load_tower
from ligature.encoders import load_vision_encoder
from ligature.encoders.vision import VisionFeatures
from ligature.errors import DamagedError, EncoderError
from ligature.params.encoders import VisionEncoderParams

ONE_VECTOR = {"clip", "contrastive", "pixels"}
WITH_WEIGHTS = ("vit", "dinov2-registers", "resnet", "siglip", "clip", "contrastive")
KINDS = (*WITH_WEIGHTS, "pixels")


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    root = tmp_path_factory.mktemp("towers")
    entries = {kind: tiny_vision_params(root / kind, kind) for kind in KINDS if kind not in ONE_VECTOR}
    one = {"name": "one", "pooling": "cls"}
    entries["clip"] = VisionEncoderParams(**one, loader="clip", source=str(save_clip(root / "clip")))
    entries["contrastive"] = VisionEncoderParams(**one, loader="contrastive", source=str(save_tiny_pair(root / "pair")))
    entries["pixels"] = VisionEncoderParams(**one, loader="pixels", image_size=4)
    return entries


def pixels_of(tower, count=3):
    return torch.stack([tower.preprocess(picture(seed)) for seed in range(count)])


def train_one_step(tower):
    """Moves every trained weight by a gradient of its own, as a training does."""
    optimiser = torch.optim.SGD([each for each in tower.parameters() if each.requires_grad], lr=0.1)
    tokens = tower(pixels_of(tower))
    loss = (tokens * torch.linspace(-3, 3, tokens.numel()).sin().view_as(tokens)).sum()
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_the_patches_of_the_encoder_or_its_one_vector(kind, entries):
    tower, encoder = load_tower(entries[kind], layout()), load_vision_encoder(entries[kind], layout())
    pixels = pixels_of(tower)
    assert torch.equal(pixels[0], encoder.preprocess(picture(0)))
    features = encoder.forward(pixels)
    expected = features.cls[:, None] if kind in ONE_VECTOR else features.patches
    assert torch.equal(tower(pixels), expected)
    assert (tower.tokens, tower.width, tower.side) == (*expected.shape[1:], pixels.shape[2])
    assert (tower.tokens == 1) == (kind in ONE_VECTOR)
    assert tower.params == entries[kind]


def test_the_grid_is_that_of_the_patches(entries):
    grids = {kind: load_tower(entry, layout()).grid for kind, entry in entries.items()}
    square = (SIDE // PATCH, SIDE // PATCH)
    assert grids["vit"] == grids["siglip"] == grids["dinov2-registers"] == square
    assert grids["resnet"] == (SIDE // 8, SIDE // 8)
    assert {grids[kind] for kind in ONE_VECTOR} == {None}


@pytest.mark.parametrize(
    ("count", "height", "width", "expected"),
    [(16, 32, 32, (4, 4)), (36, 16, 36, (4, 9)), (36, 32, 32, (6, 6)), (17, 32, 32, None), (12, 32, 32, None)],
)
def test_a_grid_is_in_proportion_to_the_sides_of_the_image(count, height, width, expected, entries):
    encoder = load_vision_encoder(entries["pixels"], layout())
    shaped = VisionEncoderOf(encoder, torch.zeros(1, 3, height, width), count)
    assert VisionTower(shaped, entries["pixels"], None).grid == expected


class VisionEncoderOf:
    """An encoder with so many patches for an image of such a shape."""

    module = None

    def __init__(self, encoder, pixels, count):
        self.identity, self._pixels, self._count = encoder.identity, pixels, count

    def preprocess(self, image):
        return self._pixels[0]

    def forward(self, pixels):
        return VisionFeatures(None, torch.zeros(len(pixels), self._count, 5))


@pytest.mark.parametrize("kind", WITH_WEIGHTS)
def test_a_frozen_tower_stays_in_evaluation_mode_and_keeps_no_graph(kind, entries):
    tower = load_tower(entries[kind], layout())
    assert not tower.train().training
    assert not any(module.training for module in tower.modules())
    assert not tower(pixels_of(tower).requires_grad_()).requires_grad
    assert not any(parameter.requires_grad for parameter in tower.parameters())


@pytest.mark.parametrize("kind", WITH_WEIGHTS)
def test_a_step_changes_every_trained_weight_and_a_saved_tower_gives_the_same_tokens(kind, entries, tmp_path):
    tower = load_tower(entries[kind], layout())
    before = {name: parameter.clone() for name, parameter in tower.named_parameters()}
    tower.set_trained(True)
    tower.train()
    train_one_step(tower)
    trained = {name for name, parameter in tower.named_parameters() if parameter.requires_grad}
    changed = {name for name, parameter in tower.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed <= trained
    assert len(changed) > 0.8 * len(trained), sorted(trained - changed)  # some gradients are zero, as of key biases
    expected = tower.eval()(pixels_of(tower)).detach()
    tower.save(tmp_path / "tower")
    loaded = VisionTower.load(tmp_path / "tower")
    assert torch.equal(loaded(pixels_of(loaded)), expected)
    assert not loaded(pixels_of(loaded)).requires_grad


def test_all_weights_that_the_tokens_depend_on_are_trained_and_no_others(entries):
    tower = load_tower(entries["vit"], layout())
    tower.set_trained(True)
    frozen = {name for name, parameter in tower.named_parameters() if not parameter.requires_grad}
    assert frozen == {"module.pooler.dense.weight", "module.pooler.dense.bias"}
    tower(pixels_of(tower)).square().sum().backward()
    assert {name for name, parameter in tower.named_parameters() if parameter.grad is None} == frozen


def test_layers_after_a_named_module_are_not_trained(entries):
    entry = entries["vit"].model_copy(update={"module": "layers.0"})
    tower = load_tower(entry, layout())
    tower.set_trained(True)
    trained = {name for name, parameter in tower.named_parameters() if parameter.requires_grad}
    assert any("layers.0." in name for name in trained)
    assert not any("layers.1." in name for name in trained)


def test_running_statistics_of_batch_norms_stay_as_they_are_in_training(entries):
    tower = load_tower(entries["resnet"], layout())
    tower.set_trained(True)
    tower.train()
    before = {name: buffer.clone() for name, buffer in tower.named_buffers()}
    train_one_step(tower)
    assert before
    assert all(torch.equal(buffer, before[name]) for name, buffer in tower.named_buffers())


def test_a_trained_tower_follows_the_mode_and_no_grad(entries):
    tower = load_tower(entries["vit"], layout())
    tower.set_trained(True)
    assert not tower.training
    assert tower.train().training
    assert tower.module.training
    assert tower(pixels_of(tower)).requires_grad
    assert not tower.eval().training
    with torch.no_grad():
        assert not tower(pixels_of(tower)).requires_grad
    tower.train()
    tower.set_trained(False)
    assert not tower.training
    tower.set_trained(True)
    assert tower.training, "the mode asked for last"


def test_an_encoder_without_weights_cannot_be_trained(entries):
    tower = load_tower(entries["pixels"], layout())
    with pytest.raises(EncoderError, match="'one': has no parameters to train"):
        tower.set_trained(True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tower_loads_without_its_study_and_its_source(kind, entries, tmp_path):
    tower = load_tower(entries[kind], layout())
    tower.save(tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "moved")
    loaded = VisionTower.load(tmp_path / "moved")
    assert torch.equal(loaded.preprocess(picture(5)), tower.preprocess(picture(5)))
    assert torch.equal(loaded(pixels_of(loaded)), tower(pixels_of(tower)))
    assert (loaded.width, loaded.tokens, loaded.grid, loaded.side) == (
        tower.width,
        tower.tokens,
        tower.grid,
        tower.side,
    )
    assert (loaded.params.name, loaded.params.loader) == (entries[kind].name, entries[kind].loader)
    loaded.save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "moved")
    suffixes = {path.suffix for path in (tmp_path / "moved").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".txt", ".model"}


def test_what_was_trained_once_is_saved_again_by_the_tower_that_was_loaded(entries, tmp_path):
    tower = load_tower(entries["vit"], layout())
    tower.set_trained(True)
    train_one_step(tower)
    tower.save(tmp_path / "first")
    VisionTower.load(tmp_path / "first").save(tmp_path / "second")
    assert contents(tmp_path / "second") == contents(tmp_path / "first")
    assert str(entries["vit"].source) not in (tmp_path / "first" / "tower.json").read_text()


def test_saving_over_a_folder_replaces_it_whole(entries, tmp_path):
    trained = load_tower(entries["vit"], layout())
    trained.set_trained(True)
    trained.save(tmp_path)
    (tmp_path / "own.txt").write_text("x")
    load_tower(entries["siglip"], layout()).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder", "tower.json"]
    assert VisionTower.load(tmp_path).tokens == 16


def test_settings_and_interpolated_positions_are_kept(entries, tmp_path):
    entry = entries["vit"].model_copy(update={"image_size": 48, "module": "layers.0"})
    tower = load_tower(entry, layout())
    tower.save(tmp_path / "tower")
    loaded = VisionTower.load(tmp_path / "tower")
    assert (loaded.side, loaded.grid, loaded.width) == (48, (6, 6), WIDTH)
    assert torch.equal(loaded(pixels_of(loaded)), tower(pixels_of(tower)))


def test_a_source_that_changed_since_it_was_loaded_is_not_saved(tmp_path):
    folder = ARCHITECTURES["vit"].saved(tmp_path / "source")
    tower = load_tower(vision_params(folder), layout())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(EncoderError, match=r"is sha256:\w+, loaded was sha256:"):
        tower.save(tmp_path / "tower")
    assert not (tmp_path / "tower").exists()


def saved(entries, folder, kind="vit"):
    load_tower(entries[kind], layout()).save(folder)
    return folder


def test_a_folder_without_a_tower_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="it holds no saved vision tower"):
        VisionTower.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"trained": true}', '{"trained": 1, "encoder": {"loader": "x"}}', "7"])
def test_damaged_settings_are_refused(text, entries, tmp_path):
    folder = saved(entries, tmp_path / "tower")
    (folder / "tower.json").write_text(text)
    with pytest.raises(DamagedError, match=r"tower\.json: damaged"):
        VisionTower.load(folder)


def test_changed_weights_of_the_encoder_are_noticed(entries, tmp_path):
    weights = saved(entries, tmp_path / "tower") / "encoder" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(EncoderError, match="the study pins sha256:"):
        VisionTower.load(tmp_path / "tower")


def test_missing_trained_weights_are_noticed(entries, tmp_path):
    tower = load_tower(entries["vit"], layout())
    tower.set_trained(True)
    tower.save(tmp_path / "tower")
    (tmp_path / "tower" / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"has no model\.safetensors"):
        VisionTower.load(tmp_path / "tower")


def test_a_source_named_in_the_settings_is_never_followed(entries, tmp_path):
    folder = saved(entries, tmp_path / "tower")
    values = json.loads((folder / "tower.json").read_text())
    values["encoder"]["source"] = "someone/else"
    (folder / "tower.json").write_text(json.dumps(values))
    assert Path(VisionTower.load(folder).params.source) == folder / "encoder"


@pytest.mark.parametrize("kind", WITH_WEIGHTS)
def test_the_tower_works_in_another_type_and_where_it_is_moved(kind, entries):
    tower = load_tower(entries[kind], layout())
    pixels = pixels_of(tower)
    expected = tower(pixels)
    half = tower.to(torch.bfloat16)(pixels)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, expected, rtol=0.2, atol=0.2)
    moved = load_tower(entries[kind], layout()).to("meta")
    assert moved(pixels).device.type == "meta"


def test_a_tower_inside_a_model_stays_frozen_when_the_model_is_trained(entries):
    model = torch.nn.ModuleDict({"vision": load_tower(entries["vit"], layout()), "head": torch.nn.Linear(WIDTH, 2)})
    model.train()
    assert model["head"].training
    assert not model["vision"].training
    model["head"](model["vision"](pixels_of(model["vision"]))).sum().backward()
    assert all(parameter.grad is None for parameter in model["vision"].parameters())
    assert {name.partition(".")[0] for name, _ in model.named_parameters()} == {"vision", "head"}


def test_a_source_that_is_not_there_is_named():
    with pytest.raises(EncoderError, match="encoder 'tiny': no such folder nowhere"):
        load_tower(vision_params("./nowhere"), None)


def test_the_vision_half_of_a_vision_language_checkpoint_is_a_tower_without_tiles(tmp_path):
    from transformers import SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil

    folder = tiny_smolvlm(tmp_path / "whole")
    size = {"longest_edge": SIDE}
    SmolVLMImageProcessorPil(size={"longest_edge": 2 * SIDE}, max_image_size=size).save_pretrained(folder)
    entry = VisionEncoderParams(name="whole", loader="transformers", source=str(folder), pooling="mean")
    tower = load_tower(entry, None)
    pixels = pixels_of(tower)
    assert pixels.shape == (3, 3, SIDE, SIDE), "the whole image alone, though the processor would cut it into tiles"
    whole = SmolVLMForConditionalGeneration.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = whole.model.vision_model(pixel_values=pixels).last_hidden_state
    assert torch.allclose(tower(pixels), expected, atol=1e-6)
    assert tower.grid == (SIDE // 8, SIDE // 8)
