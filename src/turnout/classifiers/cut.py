"""The cut on P(adequate) for a `quality`, fitted on prompts that tuned no rule."""

from __future__ import annotations

from bisect import bisect_right

from turnout.classifiers.cut_table import POINTS


def cut(quality: float) -> float:
    """Straight lines through the fitted points; 0 at quality 0, 1 at quality 1."""
    if quality >= 1.0:
        return 1.0
    if not quality > 0.0:
        return 0.0
    at = bisect_right(POINTS, (quality, 2.0))
    low, low_cut = POINTS[at - 1]
    high, high_cut = POINTS[at]
    return low_cut + (high_cut - low_cut) * (quality - low) / (high - low)
