"""Vision adapters against the models and image processors they wrap, called directly."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from tiny_clip import save_clip
from tiny_models import ARCHITECTURES, PATCH, SIDE, WIDTH, layout, picture, save_text_model, vision_params

from ligature.encoders import load_vision_encoder
from ligature.encoders.preprocessing import table_preprocess
from ligature.encoders.vision import VisionFeatures, split_tokens
from ligature.errors import EncoderError
from ligature.params.encoders import VisionEncoderParams

SIZES = [(50, 34), (34, 50), (40, 40), (20, 21)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("vision")
    return {name: architecture.saved(root / name) for name, architecture in ARCHITECTURES.items()}


def load(folder, **changes):
    return load_vision_encoder(vision_params(folder, **changes), layout())


def last_hidden_state(name, folder, pixels, **keywords):
    """The direct way: the class itself, from the same folder."""
    import transformers

    model = getattr(transformers, ARCHITECTURES[name].model).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(pixel_values=pixels, **keywords).last_hidden_state


def plain_split(name, states):
    """CLS and patches one by one, by what is known of the architecture."""
    known = ARCHITECTURES[name]
    if known.convolutional:
        _, _, height, width = states.shape
        return None, torch.stack([states[:, :, y, x] for y in range(height) for x in range(width)], dim=1)
    first_patch = known.others + known.has_cls
    return states[:, 0] if known.has_cls else None, states[:, first_patch:]


@pytest.mark.parametrize("side", [None, 48])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_adapter_gives_the_numbers_of_the_model(name, side, folders):
    known, encoder = ARCHITECTURES[name], load(folders[name], image_size=side)
    images = [picture(seed, size) for seed, size in enumerate(SIZES)]
    pixels = torch.stack([encoder.preprocess(image) for image in images])
    own = known.own_processor(side or SIDE)(images=images, return_tensors="pt")["pixel_values"]
    assert torch.equal(pixels, own)

    interpolated = side and name in ("vit", "deit", "clip", "siglip")
    states = last_hidden_state(name, folders[name], own, **({"interpolate_pos_encoding": True} if interpolated else {}))
    cls, patches = plain_split(name, states)
    features = encoder.forward(pixels)
    grid = states.shape[-1] if known.convolutional else own.shape[-1] // PATCH
    assert features.patches.shape == (len(SIZES), grid**2, WIDTH)
    torch.testing.assert_close(features.patches, patches, rtol=0, atol=0)
    assert encoder.has_cls is known.has_cls is encoder.identity["has_cls"]
    if cls is None:
        assert features.cls is None
    else:
        torch.testing.assert_close(features.cls, cls, rtol=0, atol=0)


TABULAR = ("dinov2", "vit", "clip", "siglip")


@given(
    st.sampled_from(TABULAR), st.integers(1, 90), st.integers(1, 90), st.sampled_from([None, 16, 45]), st.integers(0, 9)
)
@settings(max_examples=25, deadline=None)
def test_one_pass_over_bytes_gives_the_pixels_of_the_processor(name, width, height, side, seed):
    processor = ARCHITECTURES[name].own_processor(side or SIDE)
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = processor(images=Image.fromarray(noise), return_tensors="pt")["pixel_values"][0]
    assert torch.equal(table_preprocess(processor)(Image.fromarray(noise)), expected)


def test_unusual_steps_are_left_to_the_processor(tmp_path):
    from transformers import CLIPImageProcessorPil

    square = {"height": SIDE, "width": SIDE}
    usual = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square)
    for changes in ({"do_resize": False}, {"size": {"longest_edge": SIDE}}, {"size": {"shortest_edge": SIDE - 1}}):
        assert table_preprocess(usual, **changes) is None
    padding = CLIPImageProcessorPil(size={"shortest_edge": SIDE - 1}, crop_size=square)
    padding.save_pretrained(ARCHITECTURES["clip"].saved(tmp_path))
    expected = padding(images=picture(0), return_tensors="pt")["pixel_values"][0]
    assert torch.equal(load(tmp_path).preprocess(picture(0)), expected)


def test_another_image_size_interpolates_positions(folders):
    same = load(folders["dinov2"]).forward(torch.zeros(1, 3, SIDE, SIDE))
    larger = load(folders["dinov2"], image_size=2 * SIDE).forward(torch.zeros(1, 3, 2 * SIDE, 2 * SIDE))
    assert same.patches.shape[1] == (SIDE // PATCH) ** 2
    assert larger.patches.shape[1] == (2 * SIDE // PATCH) ** 2
    assert not torch.allclose(larger.patches[0, 0], larger.patches[0, -1])


@pytest.mark.parametrize("pooling", ["cls", "mean", "cls+mean", "all"])
def test_pooling(pooling):
    generator = torch.Generator().manual_seed(0)
    cls, patches = torch.randn(3, 4, generator=generator), torch.randn(3, 5, 4, generator=generator)
    mean = torch.stack([sum(row) / len(row) for row in patches])
    expected = {"cls": cls, "mean": mean, "cls+mean": torch.cat([cls, mean], dim=1), "all": (cls + 5 * mean) / 6}[
        pooling
    ]
    torch.testing.assert_close(VisionFeatures(cls, patches).pooled(pooling), expected)


def test_the_mean_of_all_tokens_is_that_of_the_patches_where_there_is_no_cls_token():
    patches = torch.arange(12.0).view(2, 3, 2)
    assert torch.equal(VisionFeatures(None, patches).pooled("all"), VisionFeatures(None, patches).pooled("mean"))


def test_pooling_refuses_what_is_not_there():
    with pytest.raises(EncoderError, match=r"'cls\+mean' needs a CLS token"):
        VisionFeatures(None, torch.zeros(1, 2, 3)).pooled("cls+mean")
    with pytest.raises(EncoderError, match="'mean' needs patch tokens"):
        VisionFeatures(torch.zeros(1, 3), torch.zeros(1, 0, 3)).pooled("mean")
    with pytest.raises(EncoderError, match="'all' needs patch tokens"):
        VisionFeatures(torch.zeros(1, 3), None).pooled("all")


def test_tokens_put_the_cls_token_first():
    cls, patches = torch.ones(2, 4), torch.zeros(2, 3, 4)
    assert VisionFeatures(cls, patches).tokens().tolist() == [[[1.0] * 4] + [[0.0] * 4] * 3] * 2
    assert torch.equal(VisionFeatures(None, patches).tokens(), patches)


def test_split_leaves_out_registers_and_keeps_raster_order():
    states = torch.arange(6.0)[None, :, None]
    features = split_tokens(states, has_cls=True, others=2)
    assert features.cls.tolist() == [[0.0]]
    assert features.patches.flatten().tolist() == [3.0, 4.0, 5.0]
    assert split_tokens(torch.arange(6.0).view(1, 1, 2, 3), has_cls=False).patches.flatten().tolist() == [*range(6)]


def test_pixels_are_the_image_scaled_down():
    params = VisionEncoderParams(name="pixels", loader="pixels", image_size=2, pooling="cls")
    encoder = load_vision_encoder(params, layout())
    array = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    means = [array[y : y + 2, x : x + 2].reshape(-1, 3).mean(0) for y in (0, 2) for x in (0, 2)]
    features = encoder.forward(encoder.preprocess(Image.fromarray(array))[None])
    pixels = features.pooled("cls").view(3, 4).T
    np.testing.assert_allclose(pixels.numpy() * 255, means, atol=0.5)
    assert features.tokens().shape == (1, 1, 12)


def test_bfloat16_stays_near_float32_and_is_recorded(folders):
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    exact = load(folders["vit"])
    half = load_vision_encoder(vision_params(folders["vit"]), layout(), precision="bfloat16")
    difference = (half.forward(pixels).patches - exact.forward(pixels).patches).abs().max()
    assert 0 < difference < 0.1
    assert half.forward(pixels).patches.dtype == torch.float32
    assert (exact.identity["precision"], half.identity["precision"]) == ("float32", "bfloat16")


@pytest.mark.slow
def test_compiled_model_agrees(folders):
    compiled = load_vision_encoder(vision_params(folders["dinov2"]), layout(), compiled=True)
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(compiled.forward(pixels).patches, load(folders["dinov2"]).forward(pixels).patches)


def test_a_text_model_is_refused(tmp_path, folders):
    folder = save_text_model(tmp_path)
    (folder / "preprocessor_config.json").write_bytes((folders["vit"] / "preprocessor_config.json").read_bytes())
    with pytest.raises(EncoderError, match="takes 'input_ids', not 'pixel_values'"):
        load(folder)


def test_images_of_several_sizes_are_refused_before_any_work(tmp_path):
    from transformers import CLIPImageProcessorPil

    folder = ARCHITECTURES["clip"].saved(tmp_path)
    CLIPImageProcessorPil(size={"shortest_edge": SIDE}, do_center_crop=False).save_pretrained(folder)
    with pytest.raises(EncoderError, match="give it an image_size"):
        load(folder)
    assert load(folder, image_size=SIDE).preprocess(picture(0, (60, 30))).shape == (3, SIDE, SIDE)


@pytest.mark.parametrize("name", ["dinov2", "dinov2-registers", "deit", "resnet"])
def test_a_module_gives_its_states_in_place_of_the_last(name, folders):
    """Checked against the hidden states that transformers itself records."""
    import transformers

    known = ARCHITECTURES[name]
    layer = {"resnet": "encoder.stages.0", "deit": "layers.0"}.get(name, "encoder.layer.0")
    pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    model = getattr(transformers, known.model).from_pretrained(folders[name]).eval()
    with torch.no_grad():
        expected = plain_split(name, model(pixels, output_hidden_states=True).hidden_states[1])
        features = load(folders[name], module=layer).forward(pixels)
    assert (features.cls is None) is (expected[0] is None)
    if known.has_cls:
        torch.testing.assert_close(features.cls, expected[0])
    torch.testing.assert_close(features.patches, expected[1])
    last = load(folders[name]).forward(pixels).patches
    assert last.shape != features.patches.shape or not torch.allclose(last, features.patches)


def test_a_module_of_a_vision_tower_starts_within_it(tmp_path):
    pixels = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    last = load(save_clip(tmp_path), module="encoder.layers.1").forward(pixels)
    assert torch.equal(last.tokens(), load(tmp_path).forward(pixels).tokens())


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("encoder.layer.7", r"has no module 'encoder.layer.7'; it has, for example, encoder.layer.\d"),
        ("encoder.layer", r"module 'encoder.layer' gives nothing when images are encoded; name another"),
        ("embeddings.patch_embeddings", r"gives other tokens than the model, whose first is no patch"),
        ("embeddings.patch_embeddings.projection", r"gives other tokens than the model"),
    ],
)
def test_a_module_that_gives_no_states_is_refused_in_one_line(module, said, folders):
    with pytest.raises(EncoderError, match=f"encoder 'tiny': .*{said}") as caught:
        load(folders["dinov2"], module=module).forward(torch.zeros(2, 3, SIDE, SIDE))
    assert "\n" not in str(caught.value)


def test_the_identity_knows_a_module_and_is_as_it_was_without_one(folders):
    plain, inner = load(folders["vit"]).identity, load(folders["vit"], module="layers.0").identity
    assert list(plain) == ["name", "loader", "source", "revision", "image_size", "pooling", "has_cls", "precision"]
    assert inner == plain | {"module": "layers.0"}
    assert "module" not in vision_params("a/b").model_dump()
    assert vision_params("a/b", module="layers.0").model_dump()["module"] == "layers.0"


def test_a_module_is_a_dotted_path_of_a_transformers_model():
    for path in ("encoder", "encoder.layers.11", "0", "_a.b_2.3"):
        assert vision_params("a/b", module=path).module == path
    for path in ("", ".", "encoder.", ".encoder", "a..b", "a b", "a.2b", "a\n", "a()", "a" * 201):
        with pytest.raises(ValidationError, match="module"):
            vision_params("a/b", module=path)
    with pytest.raises(ValidationError, match="module belongs to loader 'transformers'"):
        vision_params("a/b", loader="clip", pooling="cls", module="vision_model")
    for loader in ({"loader": "clip", "source": "a/b"}, {"loader": "pixels", "image_size": 4}):
        with pytest.raises(ValidationError, match="pooling 'cls'"):
            VisionEncoderParams(name="tiny", pooling="all", **loader)


@pytest.mark.slow
def test_a_module_of_a_compiled_model_gives_its_states_at_every_pass(folders):
    compiled = load_vision_encoder(vision_params(folders["dinov2"], module="encoder.layer.0"), layout(), compiled=True)
    plain = load(folders["dinov2"], module="encoder.layer.0")
    with torch.inference_mode():
        for seed in range(3):
            pixels = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
            torch.testing.assert_close(compiled.forward(pixels).patches, plain.forward(pixels).patches)
