"""Cases found by trying to break the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import turnout

LLAMA = {"provider": "local", "context_window": 8000, "max_output_tokens": 2000, "free": True}
SEEN = [{"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}]


class Says:
    """A classifier that always says the same."""

    name = "says"

    def __init__(self, curve: Any) -> None:
        self.curve = curve

    def predict(self, request: turnout.Request, signals: turnout.Signals) -> Any:
        return self.curve and turnout.Prediction(self.curve, self.name)


def test_quality_never_lowers_a_tier_on_a_ladder_that_is_not_ordered_by_cost() -> None:
    ladder = {
        "a": "llama",
        "b": "claude-opus-5-5",
        "c": "claude-sonnet-5",
        "d": "claude-fable-5",
    }
    router = turnout.Router(
        {},
        ladder=ladder,
        models={"llama": LLAMA},
        classifier=Says((0.3, 0.6, 0.9, 1.0)),
        ledger=False,
    )
    tiers = [
        router.route("What is this?", capability="vision", quality=q).tier
        for q in (0.2, 0.5, 0.8, 1.0)
    ]
    assert tiers == sorted(tiers)
    assert tiers[0] == "b"


def test_a_ceiling_takes_an_escalation_back() -> None:
    router = turnout.Router({}, classifier=Says((0.2, 0.7, 0.9, 1.0)), ledger=False)
    assert router.route("Sort this.").escalated
    held = router.route("Sort this.", max_tier="low")
    assert (held.tier, held.escalated) == ("low", False)


@pytest.mark.parametrize("capability", [5, ["vision", 5], [["vision"]]])
def test_a_capability_must_be_a_name(capability: Any) -> None:
    with pytest.raises(turnout.InvalidRequest, match="capability"):
        turnout.Router({}, ledger=False).route("hi", capability=capability)


def test_a_classifier_must_return_a_prediction() -> None:
    router = turnout.Router({}, classifier=Says(None), ledger=False)
    with pytest.raises(turnout.ConfigError, match=r"no turnout\.Prediction"):
        router.route("hi")


def test_a_run_without_a_key_leaves_no_record(tmp_path: Path) -> None:
    with turnout.Router({}, ledger=tmp_path / "ledger") as router:
        with pytest.raises(turnout.ConfigError, match="ANTHROPIC_API_KEY"):
            router.run("hi")
        assert router.report()["requests"] == 0
