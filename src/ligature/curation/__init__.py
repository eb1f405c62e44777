"""From pools of captions to a concept-balanced selection: filters, duplicates, prototypes, scores, choice."""

from ligature.curation.duplicates import decontaminate_captions, find_duplicates
from ligature.curation.filters import filter_rows
from ligature.curation.keyed import random_subset
from ligature.curation.prototypes import Prototypes, build_prototypes
from ligature.curation.selection import Selection, select, select_with_report
from ligature.curation.semantic import nearest_evaluation, semantic_duplicates
from ligature.curation.state import TopK
from ligature.curation.top_k import top_k

__all__ = [
    "Prototypes",
    "Selection",
    "TopK",
    "build_prototypes",
    "decontaminate_captions",
    "filter_rows",
    "find_duplicates",
    "nearest_evaluation",
    "random_subset",
    "select",
    "select_with_report",
    "semantic_duplicates",
    "top_k",
]
