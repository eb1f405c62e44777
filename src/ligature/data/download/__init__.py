"""Downloading the images of chosen rows into canonical shards, within limits and with a reason for every failure."""

from ligature.data.download.rows import download_rows, retry_failed
from ligature.data.download.statuses import RETRYABLE, STATUSES

__all__ = ["RETRYABLE", "STATUSES", "download_rows", "retry_failed"]
