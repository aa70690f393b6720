"""Written by `python -m benchmarks.rules --fit`: quality against its cut."""

PROVENANCE = {
    "split": "calibration",
    "prompts": 140,
    "sha256": "654d2f6cde0433624fe342622ff3c0c0348e0456e35e1a14ffa372e2d8e2b49d",
    "date": "2026-11-21",
}
"""What the points were fitted on; the hash is of the split's rows."""

POINTS: tuple[tuple[float, float], ...] = (
    (0.0, 0.0),
    (0.5, 0.0549),
    (0.6, 0.1182),
    (0.7, 0.138),
    (0.75, 0.1451),
    (0.8, 0.1562),
    (0.85, 0.22),
    (0.88, 0.659),
    (0.9, 0.7582),
    (0.92, 0.7963),
    (0.94, 0.9523),
    (0.96, 0.9603),
    (0.98, 0.976),
    (1.0, 1.0),
)
