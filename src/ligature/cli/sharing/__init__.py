"""Sharing of artifacts with a team: one DVC remote, set up, filled, compared and verified."""
