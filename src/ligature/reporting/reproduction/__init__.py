"""The published tables and figures as targets: what of a study reproduces them, and both beside each other."""

from ligature.reporting.reproduction.comparison import comparison
from ligature.reporting.reproduction.quoted import quoted_figures
from ligature.reporting.reproduction.targets import Target, find_target, list_targets, targets_table

__all__ = ["Target", "comparison", "find_target", "list_targets", "quoted_figures", "targets_table"]
