"""Looking models up: ids, aliases, dated and cloud spellings, other providers."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.catalog import Catalog, bundled
from turnout.errors import InvalidRequest, UnknownModel


@pytest.mark.parametrize(
    ("spelling", "model"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-opus-5-5-20260922", "claude-opus-5-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),  # Vertex
        ("anthropic.claude-opus-5-5", "claude-opus-5-5"),  # Bedrock
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("global.anthropic.claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic:claude-opus-5-5", "claude-opus-5-5"),
        ("CLAUDE-OPUS-5-5", "claude-opus-5-5"),
        ("claude-sonnet-4-6[1m]", "claude-sonnet-4-6"),  # Claude Code
    ],
)
def test_every_spelling_of_a_model_is_one_entry(spelling: str, model: str) -> None:
    catalog = bundled()
    assert catalog.get(spelling) is catalog.get(model)
    assert catalog.get(model).id == model


def test_a_restricted_model_is_restricted_however_it_is_spelled() -> None:
    """The colon spelling and capitals found another entry, without rules of its own."""
    for name in ("anthropic:claude-mythos-5", "Claude-Mythos-5-2", "anthropic/claude-mythos-5-1"):
        assert bundled().get(name).restricted
        assert bundled().get(name).retention_days == 30


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("claude-opus-5-6", "claude-opus-5-5"),
        ("claude-haiku-55", "claude-haiku-5-5"),
        ("claud-fable-5", "claude-fable-5"),
    ],
)
def test_a_misspelt_model_is_an_error_that_offers_a_near_name(name: str, near: str) -> None:
    with pytest.raises(UnknownModel, match=f"did you mean '{near}'") as caught:
        bundled().get(name)
    assert caught.value.model == name
    assert near in caught.value.known
    assert isinstance(caught.value, InvalidRequest)


@pytest.mark.parametrize("name", ["", " ", "zzz", None, 5, ["claude-opus-5-5"], b"claude-opus-5-5"])
def test_what_is_no_model_is_never_found(name: Any) -> None:
    assert bundled().find(name) is None
    assert name not in bundled()
    with pytest.raises(UnknownModel):
        bundled().get(name)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("openai:gpt-5", "openai"),
        ("openai/gpt-5", "openai"),
        ("gpt-5", "openai"),
        ("google:gemini-2.5-pro", "google"),
        ("openrouter:anthropic/claude-sonnet-4.5", "openrouter"),
        ("openrouter/anthropic/claude-sonnet-4.5", "openrouter"),
    ],
)
def test_models_of_other_providers_are_known_and_priced(name: str, provider: str) -> None:
    found = bundled().get(name)
    assert (found.id, found.provider, found.source) == (name, provider, "genai-prices")
    assert found.prices


def test_gemini_2_5_pro_has_a_long_card() -> None:
    """$1.25/10 up to 200,000 tokens, $2.50/15 above, by Google's price list."""
    (price,) = bundled().get("google:gemini-2.5-pro").prices
    assert (price.card.input, price.card.output) == (1_250_000, 10_000_000)
    assert price.long is not None
    assert (price.long.input, price.long.output) == (2_500_000, 15_000_000)
    assert price.long_above == 200_000


def test_an_alias_of_ones_own_finds_the_model() -> None:
    catalog = bundled().with_models({"claude-opus-5-5": {"aliases": ["big"]}})
    assert catalog.get("big").id == "claude-opus-5-5"


def test_a_catalog_lists_its_models_and_providers() -> None:
    catalog = bundled()
    assert catalog.providers == ("anthropic",)
    assert next(iter(catalog)).id == "claude-haiku-4-5"
    assert "claude-opus-5-5" in catalog
    assert isinstance(catalog, Catalog)
