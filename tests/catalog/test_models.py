"""The bundled models against the published table, typed from it by hand."""

from __future__ import annotations

from datetime import date

import pytest

from turnout.catalog import EFFORTS, Model, bundled
from turnout.catalog.store import CLAUDE_ABILITIES

LOW_MAX = "low medium high xhigh max"
FABLE = "opus-4-8 opus-5"

# id · window/max out in thousands · efforts (default) · thinking; when omitted · min cacheable ·
# forced tool · prefill · fallback targets · retires (≥ not before)
TABLE = f"""
haiku-4-5  | 200/64   | - (-)                  | enabled disabled; off           | 4096 | y | y | -         | ?
haiku-5-5  | 1000/128 | {LOW_MAX} (medium)     | adaptive disabled; adaptive     | 512  | y | n | -         | ?
sonnet-4-5 | 200/64   | - (-)                  | enabled disabled; off           | 1024 | y | y | -         | 2026-11-30
sonnet-4-6 | 1000/128 | low medium high max (high) | adaptive enabled disabled; off | 1024 | y | n | -      | ≥2027-02-17
sonnet-5   | 1000/128 | {LOW_MAX} (high)       | adaptive disabled; adaptive     | 1024 | y | n | -         | ≥2027-06-30
sonnet-5-5 | 1000/128 | {LOW_MAX} (high)       | adaptive between_tools; adaptive | 512 | n | n | sonnet-5  | ?
opus-4-5   | 200/64   | low medium high (high) | enabled disabled; off           | 4096 | y | y | -         | ≥2026-11-24
opus-4-6   | 1000/128 | low medium high max (high) | adaptive enabled disabled; off | 4096 | y | n | -      | ≥2027-02-05
opus-4-7   | 1000/128 | {LOW_MAX} (high)       | adaptive disabled; off          | 2048 | y | n | -         | ≥2027-04-16
opus-4-8   | 1000/128 | {LOW_MAX} (high)       | adaptive disabled; off          | 1024 | y | n | -         | ≥2027-05-28
opus-5     | 1000/128 | {LOW_MAX} (high)       | adaptive disabled; adaptive     | 512  | y | n | opus-4-8  | ≥2027-07-24
opus-5-5   | 1000/128 | {LOW_MAX} (medium)     | adaptive; adaptive              | 512  | n | n | opus-5 opus-4-8 | ?
fable-5    | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | y | n | {FABLE}   | ≥2027-06-09
fable-5-1  | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | n | n | {FABLE}   | ?
fable-5-2  | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | n | n | {FABLE}   | ?
mythos-5   | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | y | n | ?         | ?
mythos-5-1 | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | n | n | {FABLE}   | ?
mythos-5-2 | 1000/128 | {LOW_MAX} (high)       | adaptive; adaptive              | 512  | n | n | ?         | ?
"""  # noqa: E501 - a table is read across
ROWS = {
    f"claude-{cells[0]}": cells[1:]
    for cells in ([cell.strip() for cell in line.split("|")] for line in TABLE.strip().split("\n"))
}
MODELS = pytest.mark.parametrize("name", ROWS)


def model(name: str) -> Model:
    return bundled().get(name)


def test_the_catalog_holds_exactly_the_models_of_the_table() -> None:
    assert {found.id for found in bundled()} == set(ROWS)


@MODELS
def test_windows(name: str) -> None:
    window, most = (int(part) * 1000 for part in ROWS[name][0].split("/"))
    assert (model(name).context_window, model(name).max_output_tokens) == (window, most)


@MODELS
def test_effort_levels_and_their_default(name: str) -> None:
    levels, default = ROWS[name][1].rstrip(")").split(" (")
    assert " ".join(model(name).efforts) == levels.replace("-", "")
    assert (model(name).effort_default or "-") == default
    for effort in EFFORTS:
        assert model(name).accepts_effort(effort) == (effort in levels.split())
    assert model(name).accepts_effort(None)


@MODELS
def test_thinking(name: str) -> None:
    accepted, omitted = ROWS[name][2].split("; ")
    assert " ".join(model(name).thinking) == accepted
    assert model(name).thinking_default == omitted


@pytest.mark.parametrize(
    ("name", "kind", "most"),
    [
        ("claude-haiku-5-5", "disabled", "high"),
        ("claude-opus-5", "disabled", "high"),
        ("claude-sonnet-5-5", "between_tools", "high"),
        ("claude-sonnet-5", "disabled", "max"),
        ("claude-opus-5-5", "adaptive", "max"),
    ],
)
def test_some_kinds_of_thinking_only_go_up_to_an_effort(name: str, kind: str, most: str) -> None:
    allowed = [effort for effort in EFFORTS if model(name).thinking_allowed(kind, effort)]
    assert allowed == list(EFFORTS[: EFFORTS.index(most) + 1])


@pytest.mark.parametrize("kind", ["disabled", "enabled", "between_tools", "nonsense"])
def test_opus_5_5_only_thinks_adaptively(kind: str) -> None:
    assert not model("claude-opus-5-5").thinking_allowed(kind, "low")


@MODELS
def test_cache_minimum_forced_tools_and_prefill(name: str) -> None:
    least, forced, prefill = ROWS[name][3:6]
    found = model(name)
    assert found.min_cacheable_tokens == int(least)
    assert ("forced_tool" in found.abilities) == (forced == "y")
    assert ("prefill" in found.abilities) == (prefill == "y")
    assert found.abilities >= CLAUDE_ABILITIES


@pytest.mark.parametrize("name", [name for name in ROWS if ROWS[name][6] != "?"])
def test_fallback_targets(name: str) -> None:
    wanted = tuple(f"claude-{part}" for part in ROWS[name][6].split() if part != "-")
    assert model(name).fallback_targets == wanted


@MODELS
def test_retirement(name: str) -> None:
    text, found = ROWS[name][7], model(name)
    if text.startswith("≥"):
        assert found.retires is None
        assert found.retires_not_before == date.fromisoformat(text[1:])
    elif text != "?":
        assert found.retires == date.fromisoformat(text)
    else:
        assert found.retires is None


@MODELS
def test_every_entry_says_where_it_is_from_and_when_it_was_checked(name: str) -> None:
    assert model(name).source
    assert model(name).checked == date(2026, 11, 20)
    assert model(name).provider == "anthropic"
    assert model(name).line == name.split("-")[1]


def test_models_of_old_and_new_tokenizers() -> None:
    """Opus 4.7 and every 5.x model produce about 1.3 times the tokens of older ones."""
    old = {"haiku-4-5", "sonnet-4-5", "sonnet-4-6", "opus-4-5", "opus-4-6"}
    for found in bundled():
        expected = 1.0 if found.id.removeprefix("claude-") in old else 1.3
        assert float(found.token_ratio) == expected, found.id


def test_sampling_fields_are_accepted_by_4_6_and_older_on_the_old_api_version_only() -> None:
    takers = {found.id for found in bundled() if found.sampling}
    names = ("haiku-4-5", "sonnet-4-5", "sonnet-4-6", "opus-4-5", "opus-4-6")
    assert takers == {f"claude-{name}" for name in names}
    assert {found.sampling for found in bundled()} == {(), ("2023-06-01",)}


def test_fable_and_mythos_keep_data_for_30_days() -> None:
    keepers = {found.line for found in bundled() if found.retention_days}
    assert keepers == {"fable", "mythos"}
    assert {found.retention_days for found in bundled()} == {0, 30}


def test_mythos_is_for_verified_organisations() -> None:
    assert {found.line for found in bundled() if found.restricted} == {"mythos"}


def test_rate_limit_pools() -> None:
    pools: dict[str, set[str]] = {}
    for found in bundled():
        pools.setdefault(found.pool, set()).add(found.id.removeprefix("claude-"))
    shared = sorted(sorted(names) for names in pools.values() if len(names) > 1)
    assert shared == [
        ["fable-5", "fable-5-1"],
        ["mythos-5", "mythos-5-1", "mythos-5-2"],
        ["opus-4-5", "opus-4-6", "opus-4-7", "opus-4-8"],
        ["sonnet-4-5", "sonnet-4-6"],
    ]


@pytest.mark.parametrize(
    ("name", "costs"),
    [
        ("claude-opus-5-5", {"low": 0.48, "medium": 0.66, "high": 1, "xhigh": 1.66, "max": 3.44}),
        ("claude-sonnet-5-5", {"low": 0.49, "medium": 0.54, "high": 1, "xhigh": 1.87, "max": 5.5}),
        ("claude-haiku-5-5", {"low": 0.38, "medium": 0.52, "high": 1, "xhigh": 2.03, "max": 4.34}),
    ],
)
def test_relative_cost_of_effort(name: str, costs: dict[str, float]) -> None:
    assert {effort: float(cost) for effort, cost in model(name).effort_cost.items()} == costs


def test_no_fallback_target_is_unknown_restricted_or_the_model_itself() -> None:
    for found in bundled():
        for target in found.fallback_targets:
            assert target != found.id
            assert not model(target).restricted
