"""Matching without training on the page: its tables, figures and what they say."""
