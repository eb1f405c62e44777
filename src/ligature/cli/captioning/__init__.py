"""`ligature language`, `connect`, `appraise` and `captioning`: connectors into language models, on captions."""
