"""Experiments of matching across unaligned encoders: from stores to cells, and from cells to tables."""
