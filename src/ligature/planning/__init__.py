"""What a study costs before it is run: jobs, hours and bytes, from its own DAG and declared rates."""

from ligature.planning.architectures import Architecture
from ligature.planning.costs import COSTS, cost_of
from ligature.planning.facts import Facts, UnknownFact
from ligature.planning.jobs import Job, read_jobs
from ligature.planning.tables import Tables, read_tables
from ligature.planning.text import plan_text
from ligature.planning.total import StudyPlan, Workers, plan_study

__all__ = [
    "COSTS",
    "Architecture",
    "Facts",
    "Job",
    "StudyPlan",
    "Tables",
    "UnknownFact",
    "Workers",
    "cost_of",
    "plan_study",
    "plan_text",
    "read_jobs",
    "read_tables",
]
