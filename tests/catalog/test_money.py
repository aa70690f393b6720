"""Exact bills. Every amount is worked out by hand from the published price table.

Prices in US dollars per million tokens: input/output, 5-minute write/1-hour write/read.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import data_snapshot
from hypothesis import given
from hypothesis import strategies as st

from turnout.catalog import Card, Catalog, bundled, cost, pico, usd
from turnout.catalog.model import parse_price
from turnout.errors import InvalidRequest, UnpricedModel
from turnout.types import Cost, Iteration, Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLAUDE = [model.id for model in bundled()]

FREE_ON_REFUSAL = "refused before output, not billed"


def bill(usage: Usage, model: str, at: datetime = NOON, **how: bool) -> Cost:
    return cost(usage, model, bundled(), at, **how)


def total(usage: Usage, model: str, at: datetime = NOON, **how: bool) -> Decimal:
    return bill(usage, model, at, **how).total_usd


# -- kinds of token ------------------------------------------------------------------------

M = 1_000_000


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(input_tokens=M), "4"),
        (Usage(output_tokens=M), "20"),
        (Usage(cache_write_5m_tokens=M), "5"),
        (Usage(cache_write_1h_tokens=M), "8"),
        (Usage(cache_read_tokens=M), "0.20"),
        (Usage(M, M, M, M, M), "37.20"),  # 4 + 20 + 5 + 8 + 0.20
    ],
)
def test_each_kind_of_token_has_its_own_rate_on_opus_5_5(usage: Usage, dollars: str) -> None:
    assert total(usage, "claude-opus-5-5") == Decimal(dollars)


CARDS = """
claude-haiku-4-5   1/5    1.25/2/0.10
claude-sonnet-4-5  3/15   3.75/6/0.30
claude-sonnet-4-6  3/15   3.75/6/0.30
claude-sonnet-5    2/10   2.5/4/0.20
claude-sonnet-5-5  2/10   2.5/4/0.10
claude-opus-4-5    5/25   6.25/10/0.50
claude-opus-4-6    5/25   6.25/10/0.50
claude-opus-4-7    5/25   6.25/10/0.50
claude-opus-4-8    5/25   6.25/10/0.50
claude-opus-5      5/25   6.25/10/0.50
claude-opus-5-5    4/20   5/8/0.20
claude-fable-5     10/50  12.5/20/1
claude-fable-5-1   10/50  12.5/20/0.25
claude-fable-5-2   8/40   10/16/0.20
claude-mythos-5    10/50  12.5/20/1
claude-mythos-5-1  10/50  12.5/20/0.25
claude-mythos-5-2  8/40   10/16/0.20
"""


@pytest.mark.parametrize("row", CARDS.strip().splitlines(), ids=lambda row: row.split()[0])
def test_a_million_of_each_costs_what_the_table_says(row: str) -> None:
    model, plain, cached = row.split()
    rates = [Decimal(rate) for rate in f"{plain}/{cached}".split("/")]
    for kind, rate in enumerate(rates):
        plain_in, out, write_5m, write_1h, read = (M if n == kind else 0 for n in range(5))
        usage = Usage(plain_in, out, write_5m, write_1h, read)
        assert total(usage, model) == rate


def test_a_small_bill_by_hand() -> None:
    # 800 × $1 + 200 × $5 per million = $0.0008 + $0.0010
    assert total(Usage(800, 200), "claude-haiku-4-5") == Decimal("0.0018")


# -- multipliers and extras ----------------------------------------------------------------


def test_a_batch_costs_half_of_every_rate() -> None:
    # Half of 37.20, as in the test above.
    assert total(Usage(M, M, M, M, M, batch=True), "claude-opus-5-5") == Decimal("18.60")


def test_us_only_inference_costs_a_tenth_more() -> None:
    # (4 + 20) × 1.1
    assert total(Usage(M, M, us_only=True), "claude-opus-5-5") == Decimal("26.4")


def test_us_only_and_batch_multiply() -> None:
    # (4 + 20) × 1.1 / 2
    usage = Usage(M, M, us_only=True, batch=True)
    assert total(usage, "claude-opus-5-5") == Decimal("13.2")


def test_a_web_search_costs_a_cent_whatever_the_multiplier() -> None:
    # 3 × 0.01 + (100 × 4 + 50 × 20) / 1,000,000 / 2
    usage = Usage(100, 50, web_searches=3, batch=True)
    assert total(usage, "claude-opus-5-5") == Decimal("0.03") + Decimal("0.0007")


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-opus-5-5", "48"),  # 8 + 40
        ("claude-fable-5-2", "96"),  # 16 + 80
        ("claude-mythos-5-2", "96"),
        ("claude-opus-5", "60"),  # 10 + 50
        ("claude-opus-4-8", "60"),
    ],
)
def test_fast_mode_has_its_own_rates(model: str, dollars: str) -> None:
    assert total(Usage(M, M, fast=True), model) == Decimal(dollars)


def test_fast_mode_doubles_the_cache_rates_as_it_doubles_input() -> None:
    # 2 × (5 + 8 + 0.20)
    usage = Usage(0, 0, M, M, M, fast=True)
    assert total(usage, "claude-opus-5-5") == Decimal("26.4")


@pytest.mark.parametrize(
    ("at", "dollars"),
    [
        (datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), "60"),
        (datetime(2026, 11, 30, tzinfo=UTC), "30"),  # 5 + 25
    ],
)
def test_opus_4_8_loses_fast_mode_on_30_november_2026(at: datetime, dollars: str) -> None:
    assert total(Usage(M, M, fast=True), "claude-opus-4-8", at) == Decimal(dollars)


def test_a_model_without_fast_mode_is_billed_as_usual() -> None:
    assert total(Usage(M, M, fast=True), "claude-sonnet-5") == Decimal(12)


def test_a_fast_rate_that_is_no_round_multiple_stays_exact() -> None:
    """A factor of 10/3 in decimals made the input rate one pico-dollar too small."""
    price = parse_price({"input": 3, "output": 15, "fast": {"input": 10, "output": 50}}, "x")
    assert price.fast is not None
    assert (price.fast.card.input, price.fast.card.output) == (10 * M, 50 * M)


# -- haiku 5.5's long card -----------------------------------------------------------------


@pytest.mark.parametrize(
    "usage",
    [
        Usage(100_000, 1_000),
        Usage(40_000, 1_000, 30_000, 10_000, 20_000),
    ],
    ids=["plain", "cached"],
)
def test_a_prompt_of_100_000_tokens_is_on_haiku_5_5s_short_card(usage: Usage) -> None:
    # 0.10 in, 0.50 out, 0.125 and 0.20 to write, 0.01 to read
    by_hand = (
        usage.input_tokens * Decimal("0.10")
        + usage.output_tokens * Decimal("0.50")
        + usage.cache_write_5m_tokens * Decimal("0.125")
        + usage.cache_write_1h_tokens * Decimal("0.20")
        + usage.cache_read_tokens * Decimal("0.01")
    ) / M
    assert total(usage, "claude-haiku-5-5") == by_hand


@pytest.mark.parametrize(
    "usage",
    [
        Usage(100_001, 1_000),
        Usage(40_001, 1_000, 30_000, 10_000, 20_000),
        Usage(40_000, 1_000, 30_001, 10_000, 20_000),
        Usage(40_000, 1_000, 30_000, 10_001, 20_000),
        Usage(40_000, 1_000, 30_000, 10_000, 20_001),
    ],
    ids=["plain", "input", "5m", "1h", "read"],
)
def test_one_token_more_of_any_kind_reprices_the_whole_request(usage: Usage) -> None:
    # 0.50 in, 2.50 out, 0.625 and 1 to write, 0.05 to read
    by_hand = (
        usage.input_tokens * Decimal("0.50")
        + usage.output_tokens * Decimal("2.50")
        + usage.cache_write_5m_tokens * Decimal("0.625")
        + usage.cache_write_1h_tokens * Decimal("1")
        + usage.cache_read_tokens * Decimal("0.05")
    ) / M
    found = bill(usage, "claude-haiku-5-5")
    assert found.total_usd == by_hand
    assert found.lines[0].note == "long card"


def test_every_other_million_token_window_is_flat() -> None:
    # 900,000 × $2 + 10,000 × $10 per million
    assert total(Usage(900_000, 10_000), "claude-sonnet-5-5") == Decimal("1.90")


# -- dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "dollars"),
    [
        (datetime(2026, 10, 6, 23, 59, 59, tzinfo=UTC), "0.20"),
        (datetime(2026, 10, 7, tzinfo=UTC), "0.10"),
    ],
)
def test_sonnet_5_5s_cache_read_halved_on_7_october_2026(at: datetime, dollars: str) -> None:
    assert total(Usage(cache_read_tokens=M), "claude-sonnet-5-5", at) == Decimal(dollars)


# -- iterations, fallbacks and refusals ----------------------------------------------------


def rescued(first: Usage) -> Usage:
    """Fable declines after `first`, Opus 4.8 answers; the top level counts only the answer."""
    answer = Usage(1_000, 500)
    return Usage(
        1_000,
        500,
        iterations=(
            Iteration("message", "claude-fable-5-2", first),
            Iteration("fallback_message", "claude-opus-4-8", answer),
        ),
    )


def test_each_iteration_is_billed_at_its_own_models_price() -> None:
    found = bill(rescued(Usage(1_000, 20)), "claude-fable-5-2")
    # Fable 5.2: 1,000 × $8 + 20 × $40; Opus 4.8: 1,000 × $5 + 500 × $25, per million
    assert [line.cost_usd for line in found.lines] == [Decimal("0.0088"), Decimal("0.0175")]
    assert found.total_usd == Decimal("0.0263")


def test_a_hop_that_declined_before_any_output_is_free_and_says_so() -> None:
    found = bill(rescued(Usage(1_000, 0)), "claude-fable-5-2")
    assert [line.cost_usd for line in found.lines] == [0, Decimal("0.0175")]
    assert found.lines[0].note == FREE_ON_REFUSAL


def test_accounts_that_pay_for_refusals_say_so_in_a_setting() -> None:
    found = bill(rescued(Usage(1_000, 0)), "claude-fable-5-2", bill_refusals=True)
    assert [line.cost_usd for line in found.lines] == [Decimal("0.008"), Decimal("0.0175")]


def test_a_second_hop_that_declined_before_output_is_free_too() -> None:
    """Only the first hop was taken for a refusal; the middle ones were billed."""
    usage = Usage(
        iterations=(
            Iteration("message", "claude-fable-5-2", Usage(1_000, 0)),
            Iteration("fallback_message", "claude-opus-5", Usage(1_000, 0)),
            Iteration("fallback_message", "claude-opus-4-8", Usage(1_000, 500)),
        )
    )
    assert total(usage, "claude-fable-5-2") == Decimal("0.0175")


def test_when_all_hops_decline_nothing_is_billed_by_default() -> None:
    usage = Usage(
        iterations=(
            Iteration("message", "claude-fable-5-2", Usage(1_000, 0)),
            Iteration("fallback_message", "claude-opus-4-8", Usage(1_000, 0)),
        )
    )
    assert total(usage, "claude-fable-5-2", refused=True) == 0
    # 1,000 × $8 + 1,000 × $5 per million
    assert total(usage, "claude-fable-5-2", refused=True, bill_refusals=True) == Decimal("0.013")


@pytest.mark.parametrize(
    ("usage", "setting", "dollars"),
    [
        (Usage(1_000, 0), False, "0"),
        (Usage(1_000, 0), True, "0.008"),  # 1,000 × $8 per million
        (Usage(1_000, 30), False, "0.0092"),  # mid-stream: 0.008 + 30 × $40 per million
        (Usage(1_000, 30), True, "0.0092"),
        (Usage(1_000, 0, web_searches=1), False, "0.018"),  # a search was done: 0.008 + 0.01
    ],
)
def test_a_refusal_is_billed_from_its_first_output_on(
    usage: Usage, setting: bool, dollars: str
) -> None:
    found = total(usage, "claude-fable-5-2", refused=True, bill_refusals=setting)
    assert found == Decimal(dollars)


def test_compaction_is_billed_beside_the_answer_even_without_output() -> None:
    usage = Usage(
        2_000,
        100,
        iterations=(
            Iteration("compaction", "claude-opus-5-5", Usage(50_000, 0)),
            Iteration("message", "claude-opus-5-5", Usage(2_000, 100)),
        ),
    )
    # (50,000 + 2,000) × $4 + 100 × $20 per million
    assert total(usage, "claude-opus-5-5") == Decimal("0.21")


def test_an_iteration_without_a_model_is_the_asked_models() -> None:
    usage = Usage(iterations=(Iteration("message", None, Usage(1_000, 100)),))
    assert total(usage, "claude-opus-5-5") == Decimal("0.006")  # 0.004 + 0.002


def test_the_top_levels_extras_apply_to_the_parts_and_searches_count_once() -> None:
    usage = Usage(
        web_searches=2,
        us_only=True,
        iterations=(
            Iteration("message", "claude-opus-5-5", Usage(M, 10)),
            Iteration("message", "claude-opus-5-5", Usage(M, 10)),
        ),
    )
    # 2 × (4 + 10 × 20 / 1,000,000) × 1.1 + 2 × 0.01
    assert total(usage, "claude-opus-5-5") == Decimal("8.80044") + Decimal("0.02")


def test_the_long_card_is_chosen_by_each_iteration_alone() -> None:
    part = Usage(60_000, 0)
    usage = Usage(
        120_000,
        0,
        iterations=(
            Iteration("message", "claude-haiku-5-5", part),
            Iteration("message", "claude-haiku-5-5", part),
        ),
    )
    assert total(usage, "claude-haiku-5-5") == Decimal("0.012")  # 120,000 × $0.10 per million


def test_the_lines_sum_to_the_total() -> None:
    found = bill(rescued(Usage(1_234, 21, 3, 4, 5)), "claude-fable-5-2")
    assert sum(line.cost_usd for line in found.lines) == found.total_usd


# -- what has no price ---------------------------------------------------------------------


def test_a_model_without_a_price_is_an_error_and_never_free() -> None:
    catalog = bundled().with_models(
        {
            "mystery": {
                "provider": "local",
                "context_window": 1000,
                "max_output_tokens": 100,
                "free": False,
            }
        }
    )
    with pytest.raises(UnpricedModel, match="mystery") as caught:
        cost(Usage(1, 1), "mystery", catalog, NOON)
    assert caught.value.model == "mystery"


def test_a_price_that_is_not_in_force_yet_is_no_price() -> None:
    price = {"input": 1, "output": 2, "since": datetime(2027, 1, 1, tzinfo=UTC).date()}
    fields = {"provider": "x", "context_window": 9, "max_output_tokens": 9, "price": price}
    catalog = bundled().with_models({"soon": fields})
    with pytest.raises(UnpricedModel):
        cost(Usage(1, 1), "soon", catalog, NOON)


# -- what is refused at the door -----------------------------------------------------------


@pytest.mark.parametrize("bad", [-1, True, 1.5, math.nan, math.inf, "3", None, Decimal(1)])
@pytest.mark.parametrize(
    "field",
    [
        "input_tokens",
        "output_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_read_tokens",
        "web_searches",
    ],
)
def test_a_count_that_is_no_count_is_refused_by_name(field: str, bad: Any) -> None:
    usage = Usage(**{field: bad})
    with pytest.raises(InvalidRequest) as caught:
        total(usage, "claude-opus-5-5")
    assert caught.value.field == f"usage.{field}"
    if field != "web_searches":  # searches are counted at the top only
        with pytest.raises(InvalidRequest):
            total(Usage(iterations=(Iteration("message", None, usage),)), "claude-opus-5-5")


# -- exactness -----------------------------------------------------------------------------


def test_a_hundred_thousand_tiny_charges_sum_exactly() -> None:
    """A package before us rounded each to six places: $0.20 where $0.15 was due."""
    # 7 × $0.10 + 1 × $0.50 per million = $0.0000012; × 100,000 = $0.12
    charge = total(Usage(7, 1), "claude-haiku-5-5")
    assert charge == Decimal("0.0000012")
    assert sum((charge for _ in range(100_000)), Decimal(0)) == Decimal("0.12")


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_pico_dollars_and_dollars_are_the_same_amount(amount: int) -> None:
    assert pico(usd(amount)) == amount


counts = st.integers(min_value=0, max_value=20_000)
usages = st.builds(Usage, counts, counts, counts, counts, counts)
models = st.sampled_from(CLAUDE)


def added(a: Usage, b: Usage) -> Usage:
    return Usage(
        a.input_tokens + b.input_tokens,
        a.output_tokens + b.output_tokens,
        a.cache_write_5m_tokens + b.cache_write_5m_tokens,
        a.cache_write_1h_tokens + b.cache_write_1h_tokens,
        a.cache_read_tokens + b.cache_read_tokens,
    )


@given(usages, usages, models)
def test_two_bills_on_one_card_are_the_bill_of_the_sum(a: Usage, b: Usage, model: str) -> None:
    together = total(added(a, b), model)
    if added(a, b).prompt_tokens <= 100_000 or model != "claude-haiku-5-5":
        assert total(a, model) + total(b, model) == together


@given(usages, usages, models, st.booleans(), st.booleans(), st.booleans())
def test_more_tokens_never_cost_less(
    a: Usage, b: Usage, model: str, batch: bool, fast: bool, us_only: bool
) -> None:
    def flagged(usage: Usage) -> Usage:
        return Usage(
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
            usage.cache_read_tokens,
            batch=batch,
            fast=fast,
            us_only=us_only,
        )

    assert total(flagged(added(a, b)), model) >= total(flagged(a), model) >= 0


@given(usages, models, st.booleans(), st.booleans(), st.booleans())
def test_a_cost_is_whole_pico_dollars_and_never_a_float(
    usage: Usage, model: str, batch: bool, fast: bool, us_only: bool
) -> None:
    flagged = Usage(
        usage.input_tokens, usage.output_tokens, batch=batch, fast=fast, us_only=us_only
    )
    found = total(flagged, model)
    assert isinstance(found, Decimal)
    assert found * 10**12 == int(found * 10**12)


# -- an outside source ---------------------------------------------------------------------


UNKNOWN_THERE = {"claude-mythos-5", "claude-mythos-5-1"}


@pytest.mark.parametrize("model", [name for name in CLAUDE if name not in UNKNOWN_THERE])
def test_our_claude_prices_are_those_of_genai_prices(model: str) -> None:
    snapshot = data_snapshot.get_snapshot()
    _, info = snapshot.find_provider_model(model, None, "anthropic", None)
    card = bundled().get(model).card(NOON, 0)
    theirs = info.get_prices(NOON)
    assert card is not None
    pairs: dict[str, Any] = {
        "input": theirs.input_mtok,
        "output": theirs.output_mtok,
        "cache_write_5m": theirs.cache_write_mtok,
        "cache_read": theirs.cache_read_mtok,
        "cache_write_1h": theirs.cache_write_1h_mtok,
    }
    for name, rate in pairs.items():
        base = getattr(rate, "base", rate)
        assert Decimal(getattr(card, name)) / M == Decimal(str(base)), name


def test_the_one_hour_writes_of_claude_elsewhere_are_priced_as_such() -> None:
    """They were billed as 5-minute writes."""
    # Regional Bedrock is a tenth dearer: 2 × $5 × 1.1 per million for Opus 4.5
    usage = Usage(cache_write_1h_tokens=M)
    name = "aws:anthropic.claude-opus-4-5-20251101-v1:0"
    assert cost(usage, name, bundled(), NOON).total_usd == Decimal(11)


def test_missing_cache_rates_follow_the_published_ratios() -> None:
    # writes 1.25× and 2× of input, reads 0.1×
    card = Card.from_usd_per_mtok({"input": 4, "output": 20}, "x")
    assert card == Card(4 * M, 20 * M, 5 * M, 8 * M, M * 4 // 10)


def test_a_free_model_costs_nothing_and_is_known_to_be_free() -> None:
    fields = {"provider": "local", "context_window": 9, "max_output_tokens": 9, "free": True}
    catalog: Catalog = bundled().with_models({"llama": fields})
    assert cost(Usage(M, M), "llama", catalog, NOON).total_usd == 0
    assert catalog.get("llama").free
    assert not bundled().get("claude-haiku-5-5").free
