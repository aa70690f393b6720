"""Everything Turnout raises.

    TurnoutError
     ├─ ConfigError          a setting is wrong
     ├─ InvalidRequest       a request or an argument is wrong
     │   ├─ UnknownModel
     │   └─ UnknownTier
     ├─ NoEligibleModel      every candidate fell out, each with its reason
     ├─ BudgetExceeded       a limit says no
     ├─ Refused              the model declined, and so did every fallback
     ├─ Truncated            the answer stops at a limit before it says anything
     ├─ AllAttemptsFailed    every call failed, each with its cause
     ├─ UnpricedModel        nobody knows what the model costs
     └─ LedgerError          the ledger cannot be read

Each error carries its facts as fields; the message is for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from turnout.types import Attempt, Decision, Usage


class TurnoutError(Exception):
    """Root of the tree; `str()` of any of these is one or two plain lines."""


class ConfigError(TurnoutError):
    """A setting is missing, misspelt or out of range."""


class InvalidRequest(TurnoutError):  # noqa: N818 - the public contract names it so
    """A request or an argument cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UnknownModel(InvalidRequest):
    """No catalog entry has this id or alias."""

    def __init__(self, model: str, known: Iterable[str], field: str = "model") -> None:
        self.model = model
        self.known = tuple(known)
        super().__init__(field, f"unknown model {model!r}; {choices(model, self.known)}")


class UnknownTier(InvalidRequest):
    """The ladder has no tier of this name."""

    def __init__(self, tier: object, known: Iterable[str], field: str = "tier") -> None:
        self.tier = tier
        self.known = tuple(known)
        super().__init__(field, f"unknown tier {tier!r}; the ladder has {', '.join(self.known)}")


class NoEligibleModel(TurnoutError):  # noqa: N818
    """No target can take this request; `candidates` says why for each."""

    SHOWN = 4

    def __init__(self, candidates: Mapping[str, str]) -> None:
        self.candidates = dict(candidates)
        listed = [f"{model}: {why}" for model, why in self.candidates.items()]
        more = len(listed) - self.SHOWN
        tail = f"; and {more} more like these" if more > 0 else ""
        shown = "; ".join(listed[: self.SHOWN])
        super().__init__(f"no model of the ladder can take this request ({shown}{tail})")


class BudgetExceeded(TurnoutError):  # noqa: N818
    """A budget does not allow this request."""

    def __init__(self, message: str, *, budget: str, limit_usd: Any, spent_usd: Any) -> None:
        super().__init__(message)
        self.budget = budget
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd


class Refused(TurnoutError):  # noqa: N818
    """The model declined and no fallback rescued the request."""

    def __init__(
        self,
        details: Mapping[str, Any] | None,
        decision: Decision,
        attempts: tuple[Attempt, ...],
        usage: Usage,
    ) -> None:
        self.details = dict(details or {})
        self.decision = decision
        self.attempts = attempts
        self.usage = usage
        category = self.details.get("category") or "no category given"
        tried = ", ".join(dict.fromkeys(attempt.model for attempt in attempts))
        super().__init__(f"the model refused ({category}); tried {tried}")


class Truncated(TurnoutError):  # noqa: N818
    """The answer reached a limit before it held any text or tool use."""

    def __init__(self, decision: Decision, attempts: tuple[Attempt, ...], limit: str) -> None:
        self.decision = decision
        self.attempts = attempts
        self.limit = limit
        super().__init__(
            f"the answer stopped at {limit} with nothing to show: thinking spends from "
            "max_tokens too; raise max_tokens or lower the effort"
        )


class AllAttemptsFailed(TurnoutError):  # noqa: N818
    """Every call failed; `attempts` holds each, `causes` the exceptions."""

    def __init__(
        self,
        decision: Decision,
        attempts: tuple[Attempt, ...],
        causes: tuple[BaseException, ...] = (),
        note: str = "",
    ) -> None:
        self.decision = decision
        self.attempts = attempts
        self.causes = causes
        models: dict[str | None, dict[str, None]] = {}
        for attempt in attempts:
            models.setdefault(attempt.error, {})[attempt.model] = None
        lines = [f"{', '.join(names)}: {error}" for error, names in models.items()]
        listed = "; ".join(lines) or "no attempt was made"
        super().__init__(f"no attempt succeeded{note and f' ({note})'}: {listed}")


class UnpricedModel(TurnoutError):  # noqa: N818
    """Neither the catalog nor the price tables know this model's price."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"no price is known for {model!r}; add [models.{model!r}.price] to your config, "
            "or set allow_unpriced = true"
        )


class LedgerError(TurnoutError):
    """The ledger cannot be opened or read."""


def choices(value: object, known: Iterable[str]) -> str:
    """The end of an error sentence: a near match if there is one, else all valid names."""
    names = list(known)
    near = get_close_matches(str(value), names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if len(names) > 24:
        return f"{len(names)} are known, such as {', '.join(names[:6])}"
    return f"choose from {', '.join(names)}"
