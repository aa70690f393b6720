"""Models, ladders and prices, as dated data."""

from turnout.catalog.ladders import LADDERS, ladder, parse_ladder
from turnout.catalog.model import EFFORTS, PICO, Card, Model, Price
from turnout.catalog.prices import cost, pico, usd
from turnout.catalog.store import Catalog, bundled

__all__ = [
    "EFFORTS",
    "LADDERS",
    "PICO",
    "Card",
    "Catalog",
    "Model",
    "Price",
    "bundled",
    "cost",
    "ladder",
    "parse_ladder",
    "pico",
    "usd",
]
