"""A block of captioning as plain values, for the small study."""

CAPTIONING = {
    "languages": {
        "own": {"recipe": {"datasets": ["captions"], "vocabulary": 300, "width": 16, "heads": 2}},
        "published": {"source": "somebody/a-model", "revision": "0a1b"},
    },
    "recipes": {
        "brief": {
            "vision": "vit",
            "language": "own",
            "stages": [{"datasets": ["captions"], "learning_rates": {"connector": 0.001}}],
        }
    },
    "runs": {
        "align": {"recipe": "brief", "connector": {"kind": "align"}},
        "mlp": {"recipe": "brief", "connector": {"kind": "mlp"}, "pairs": [10]},
    },
    "pairs": [10, None],
    "seeds": [0, 1],
    "validation": "sentences",
    "evaluation": ["sentences"],
    "generation": {},
    "metrics": ["cider"],
}
"""Two runs, of which one has a number of pairs of its own."""
