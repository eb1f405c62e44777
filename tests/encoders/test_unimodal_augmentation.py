import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.encoders.unimodal.augmentation import shift_and_scale, vary_light


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_images(count, side, seed=0):
    return torch.rand(count, 3, side, side, generator=generator(seed)) * 2 - 1


def dot(x, y, side=21):
    image = torch.zeros(1, 1, side, side)
    image[0, 0, y - 1 : y + 2, x - 1 : x + 2] = 1
    return image


def centre_of_mass(image):
    weights = image / image.sum()
    steps = torch.arange(image.shape[-1], dtype=torch.float32)
    return (weights.sum(dim=0) * steps).sum().item(), (weights.sum(dim=1) * steps).sum().item()


def test_no_shift_and_no_scale_changes_nothing():
    images = random_images(5, 12)
    same = shift_and_scale(images, shift=0.0, scale=0.0, generator=generator())
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)


def test_every_image_moves_by_its_own_amount_within_bounds():
    images = dot(10, 10).repeat(32, 1, 1, 1)
    moved = shift_and_scale(images, shift=0.2, scale=0.0, generator=generator())
    places = torch.tensor([centre_of_mass(image[0]) for image in moved])
    assert (places - 10).abs().max() <= 0.2 * 21 / 2 + 0.1
    assert places.std(dim=0).min() > 0.5


def test_scale_changes_the_area_of_a_dot_within_bounds():
    images = dot(10, 10).repeat(32, 1, 1, 1)
    areas = shift_and_scale(images, shift=0.0, scale=0.3, generator=generator()).sum(dim=(1, 2, 3))
    assert areas.min() >= 9 / 1.3**2 - 1.0
    assert areas.max() <= 9 / 0.7**2 + 1.0
    assert areas.max() - areas.min() > 4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(0, 0.5), scale=st.floats(0, 0.4))
def test_moving_makes_no_new_colours(seed, shift, scale):
    images = random_images(4, 10, seed)
    moved = shift_and_scale(images, shift=shift, scale=scale, generator=generator(seed))
    assert moved.shape == images.shape
    assert moved.min() >= images.min() - 1e-5
    assert moved.max() <= images.max() + 1e-5


def test_light_varies_by_at_most_its_strength():
    images = random_images(64, 6)
    varied = vary_light(images, strength=0.1, generator=generator())
    assert (varied - images).abs().max() <= 0.2 + 1e-6
    assert (varied - images).abs().mean() > 0.02


def test_light_is_one_contrast_an_image_and_one_tint_a_channel():
    images = random_images(3, 8)
    varied = vary_light(images, strength=0.2, generator=generator())
    for image, other in zip(images, varied, strict=True):
        slopes = []
        for channel, changed in zip(image, other, strict=True):
            slope = (changed[0, 0] - changed[1, 1]) / (channel[0, 0] - channel[1, 1])
            tint = changed[0, 0] - slope * channel[0, 0]
            torch.testing.assert_close(changed, slope * channel + tint, atol=1e-4, rtol=0)
            slopes.append(slope.item())
        assert slopes == pytest.approx([slopes[0]] * 3, abs=1e-3)


@pytest.mark.parametrize(
    "augment",
    [
        lambda images, g: shift_and_scale(images, shift=0.2, scale=0.2, generator=g),
        lambda images, g: vary_light(images, strength=0.1, generator=g),
    ],
)
def test_the_generator_alone_decides(augment):
    images = random_images(6, 8)
    first = augment(images, generator(3))
    torch.manual_seed(99)
    assert torch.equal(augment(images, generator(3)), first)
    assert not torch.equal(augment(images, generator(4)), first)
