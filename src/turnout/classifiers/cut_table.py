"""Written by `python -m benchmarks.rules --fit`: quality against the cut that yields it."""

PROVENANCE = {"split": "none", "prompts": 0, "sha256": "", "date": ""}

POINTS: tuple[tuple[float, float], ...] = (
    (0.0, 0.0),
    (0.92, 0.8),
    (1.0, 1.0),
)
