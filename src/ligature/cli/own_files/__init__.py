"""Verbs for a user's own images and captions: match them, index them, search them."""
