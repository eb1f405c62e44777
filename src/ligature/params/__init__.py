"""Parameters of a study: pydantic models, one module a stage, and their JSON schema."""

from ligature.params.load import load_study, parse_study, study_schema
from ligature.params.study import Study

__all__ = ["Study", "load_study", "parse_study", "study_schema"]
