"""Tiny random models of the classes that the published encoders are, saved as their checkpoints are."""

from pathlib import Path

import torch
from tiny_clip import save_clip
from tiny_models import SIDE

SQUARE = {"height": SIDE, "width": SIDE}
DETR_SIDE = 2 * SIDE
"""DETR's ResNet divides the sides by 32; so two rows and two columns are left of them."""


def _vit_like(**more):
    shape = {"image_size": SIDE, "patch_size": 8, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2}
    return shape | {"intermediate_size": 32, "initializer_range": 0.2} | more


def _save(folder, model, config, processor):
    import transformers

    torch.manual_seed(0)
    getattr(transformers, model)(config).save_pretrained(folder)
    processor.save_pretrained(folder)


def save_convnext(folder):
    from transformers import ConvNextConfig, ConvNextImageProcessorPil

    config = ConvNextConfig(num_stages=2, hidden_sizes=[8, 12], depths=[1, 1])
    _save(folder, "ConvNextForImageClassification", config, ConvNextImageProcessorPil(size={"shortest_edge": SIDE}))


def save_dinov2(folder):
    from transformers import BitImageProcessorPil, Dinov2Config

    _save(folder, "Dinov2Model", Dinov2Config(**_vit_like()), BitImageProcessorPil(crop_size=SQUARE))


def save_detr(folder):
    from transformers import DetrConfig, DetrImageProcessorPil, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 12, 20], depths=[1] * 4, layer_type="basic", out_features=["stage4"]
    )
    config = DetrConfig(
        backbone_config=backbone,
        use_timm_backbone=False,
        d_model=16,
        num_queries=7,
        **{f"{part}_{key}": 2 for part in ("encoder", "decoder") for key in ("layers", "attention_heads")},
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
    )
    _save(folder, "DetrForObjectDetection", config, DetrImageProcessorPil())


def save_sam(folder):
    """Saves a SAM of 32 layers, so that the published layer is its last; one in sixteen attends globally."""
    from transformers import SamConfig, SamImageProcessorPil

    vision = _vit_like(
        num_hidden_layers=32, window_size=2, global_attn_indexes=[15, 31], output_channels=12, mlp_dim=32
    )
    prompt = {"hidden_size": 12, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4}
    decoder = {"hidden_size": 12, "num_attention_heads": 2, "mlp_dim": 16, "iou_head_hidden_dim": 8}
    config = SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    _save(folder, "SamModel", config, SamImageProcessorPil(size={"longest_edge": SIDE}, pad_size=SQUARE))


def save_segformer(folder, model="SegformerForImageClassification"):
    from transformers import SegformerConfig, SegformerImageProcessorPil

    heads = {"num_attention_heads": [1, 2, 2, 2], "decoder_hidden_size": 8}
    config = SegformerConfig(hidden_sizes=[4, 8, 12, 16], depths=[1] * 4, mlp_ratios=[2] * 4, **heads)
    _save(folder, model, config, SegformerImageProcessorPil(size=SQUARE))


def save_segformer_segment(folder):
    save_segformer(folder, "SegformerForSemanticSegmentation")


def save_dpt(folder):
    from transformers import DPTConfig, DPTImageProcessorPil

    neck = {"neck_hidden_sizes": [4, 4, 4, 4], "fusion_hidden_size": 4, "backbone_out_indices": [0, 1, 2, 3]}
    config = DPTConfig(**_vit_like(num_hidden_layers=4), is_hybrid=False, **neck)
    _save(folder, "DPTForDepthEstimation", config, DPTImageProcessorPil(size=SQUARE))


def save_resnet(folder):
    from transformers import ConvNextImageProcessorPil, ResNetConfig

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="bottleneck")
    _save(folder, "ResNetForImageClassification", config, ConvNextImageProcessorPil(size={"shortest_edge": SIDE}))


def save_vit(folder):
    from transformers import ViTConfig, ViTImageProcessorPil

    _save(folder, "ViTForImageClassification", ViTConfig(**_vit_like()), ViTImageProcessorPil(size=SQUARE))


SAVERS = {
    "convnext": save_convnext,
    "dinov2": save_dinov2,
    "clip": save_clip,
    "detr": save_detr,
    "sam": save_sam,
    "segformer": save_segformer,
    "segformer-segment": save_segformer_segment,
    "dpt": save_dpt,
    "resnet101": save_resnet,
    "vit": save_vit,
}


def family(name: str) -> str:
    """Returns the key of the checkpoint that a published encoder comes from."""
    return next(key for key in sorted(SAVERS, key=len, reverse=True) if name.startswith(key))


def save_all(root: Path) -> dict[str, Path]:
    for key, save in SAVERS.items():
        save(root / key)
    return {key: root / key for key in SAVERS}
