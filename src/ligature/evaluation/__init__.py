"""Evaluation of joint image-text features: retrieval, zero-shot classification, chance, result rows."""

from ligature.evaluation.chance import chance_recall, chance_retrieval_recall, chance_top_k
from ligature.evaluation.classification import class_embeddings, zero_shot_accuracy, zero_shot_predictions
from ligature.evaluation.gap import gap_warnings, linear_separability, modality_gap
from ligature.evaluation.linear_probe import linear_probe_accuracy
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
    "gap_warnings",
    "linear_probe_accuracy",
    "linear_separability",
    "modality_gap",
    "results_table",
    "retrieval_ranks",
    "retrieval_recall",
    "top_k_matches",
    "zero_shot_accuracy",
    "zero_shot_predictions",
]
