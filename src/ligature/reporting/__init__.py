"""Tables, figures and the self-contained results page of a study."""

from ligature.reporting.report import write_report
from ligature.reporting.sources import ReportSources
from ligature.reporting.summary import results_summary

__all__ = ["ReportSources", "results_summary", "write_report"]
