"""Connectors and captions on the page: tables, figures, captions, words on patches, and what they say."""
