"""The ledger of claims: what was published, what this study measured of it, and whether it holds here."""

from ligature.reporting.claims.effect import Effect, paired_effect, proportion_effect
from ligature.reporting.claims.ledger import CLAIM_COLUMNS, Evidence, claims_table
from ligature.reporting.claims.section import claims_section

__all__ = [
    "CLAIM_COLUMNS",
    "Effect",
    "Evidence",
    "claims_section",
    "claims_table",
    "paired_effect",
    "proportion_effect",
]
