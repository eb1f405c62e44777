"""Evaluation of joint image-text features: retrieval, zero-shot classification, chance, result rows."""

from ligature.evaluation.chance import chance_recall, chance_retrieval_recall, chance_top_k
from ligature.evaluation.classification import class_embeddings, zero_shot_accuracy, zero_shot_predictions
from ligature.evaluation.gap import linear_separability, modality_gap
from ligature.evaluation.plane import embed_2d
from ligature.evaluation.ranking import top_k_matches
from ligature.evaluation.results import RESULT_COLUMNS, Result, results_table
from ligature.evaluation.retrieval import RetrievalRanks, retrieval_ranks, retrieval_recall

__all__ = [
    "RESULT_COLUMNS",
    "Result",
    "RetrievalRanks",
    "chance_recall",
    "chance_retrieval_recall",
    "chance_top_k",
    "class_embeddings",
    "embed_2d",
    "linear_separability",
    "modality_gap",
    "results_table",
    "retrieval_ranks",
    "retrieval_recall",
    "top_k_matches",
    "zero_shot_accuracy",
    "zero_shot_predictions",
]
