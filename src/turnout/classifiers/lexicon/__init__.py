"""The words by which the rules recognise what is asked, one table per group of languages.

The tables are data; `turnout.classifiers.concepts` matches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Language code → concept → stems, for every language but English."""
    from turnout.classifiers.lexicon import eastern, latin

    return {**latin.STEMS, **eastern.STEMS}
