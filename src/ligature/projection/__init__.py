"""Projectors between frozen vision and text encoders, and their training."""

from ligature.projection.application import project_images, project_texts
from ligature.projection.blocks import GatedBlock, IdentityBlock, LinearBlock, MLPBlock, TokenBlock, make_block
from ligature.projection.config import BlockKind, BranchKind, ProjectorConfig
from ligature.projection.features import Features, ImageFeatures, Images, PairedFeatures, RaggedTokens
from ligature.projection.preparation import hash_pairs, select_images, select_pairs
from ligature.projection.projector import Projector
from ligature.projection.saving import load_projector, save_projector
from ligature.projection.settings import TrainSettings
from ligature.projection.token_mean import masked_mean
from ligature.projection.training import TrainingResult, train, train_probe

__all__ = [
    "BlockKind",
    "BranchKind",
    "Features",
    "GatedBlock",
    "IdentityBlock",
    "ImageFeatures",
    "Images",
    "LinearBlock",
    "MLPBlock",
    "PairedFeatures",
    "Projector",
    "ProjectorConfig",
    "RaggedTokens",
    "TokenBlock",
    "TrainSettings",
    "TrainingResult",
    "hash_pairs",
    "load_projector",
    "make_block",
    "masked_mean",
    "project_images",
    "project_texts",
    "save_projector",
    "select_images",
    "select_pairs",
    "train",
    "train_probe",
]
