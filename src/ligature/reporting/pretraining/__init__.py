"""Pre-training and the modality gap on the page: its tables, figures and what they say."""
