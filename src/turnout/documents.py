"""The nouns as plain JSON: one shape for the command line, the gateway and the ledger.

Money is a decimal string, times are ISO 8601 in UTC.
"""

from __future__ import annotations

from decimal import Decimal

from turnout.types import Alternative, Assignment, Attempt, Decision, Json, Outcome, Reason, Usage


def decision_dict(decision: Decision) -> Json:
    """A decision, every field of it."""
    return {
        "id": decision.id,
        "at": decision.at.isoformat(),
        "model": decision.model,
        "provider": decision.provider,
        "tier": decision.tier,
        "effort": decision.effort,
        "confidence": decision.confidence,
        "tier_probabilities": dict(decision.tier_probabilities),
        "classifier": decision.classifier,
        "evidence": list(decision.evidence),
        "reasons": [reason_dict(reason) for reason in decision.reasons],
        "fallbacks": [
            {"model": item.model, "effort": item.effort, "tier": item.tier}
            for item in decision.fallbacks
        ],
        "alternatives": [_alternative(item) for item in decision.alternatives],
        "estimated_input_tokens": decision.estimated_input_tokens,
        "estimated_output_tokens": decision.estimated_output_tokens,
        "estimated_cost_usd": money(decision.estimated_cost_usd),
        "classifier_cost_usd": money(decision.classifier_cost_usd),
        "escalated": decision.escalated,
        "original_tier": decision.original_tier,
        "experiment": _assignment(decision.experiment),
        "sla": None if decision.sla is None else dict(decision.sla),
        "conversation": decision.conversation,
        "elapsed_us": decision.elapsed_us,
    }


def outcome_dict(outcome: Outcome) -> Json:
    """An outcome with its decision and its attempts; the message itself is left out."""
    return {
        "decision": decision_dict(outcome.decision),
        "text": outcome.text,
        "served_by": outcome.served_by,
        "stop_reason": outcome.stop_reason,
        "usage": usage_dict(outcome.usage),
        "cost_usd": money(outcome.cost_usd),
        "baseline_usd": money(outcome.baseline_usd),
        "savings_usd": money(outcome.savings_usd),
        "latency_ms": outcome.latency_ms,
        "ttft_ms": outcome.ttft_ms,
        "escalated": outcome.escalated,
        "truncated": outcome.truncated,
        "attempts": [attempt_dict(attempt) for attempt in outcome.attempts],
    }


def money(amount: Decimal | None) -> str | None:
    """An amount as a plain decimal string: exact, without exponent or trailing zeros."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def usage_dict(usage: Usage) -> Json:
    """Token counts as JSON, iterations included."""
    fields: Json = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "web_searches": usage.web_searches,
    }
    flags = {"batch": usage.batch, "fast": usage.fast, "us_only": usage.us_only}
    fields.update({name: True for name, on in flags.items() if on})
    if usage.fallback_credit is not None:
        fields["fallback_credit"] = usage.fallback_credit
    if usage.iterations:
        fields["iterations"] = [
            {"kind": item.kind, "model": item.model, **usage_dict(item.usage)}
            for item in usage.iterations
        ]
    return fields


def attempt_dict(attempt: Attempt) -> Json:
    """An attempt as JSON."""
    return {
        "id": attempt.id,
        "number": attempt.number,
        "at": attempt.at.isoformat(),
        "model": attempt.model,
        "effort": attempt.effort,
        "tier": attempt.tier,
        "status": attempt.status,
        "served_by": attempt.served_by,
        "stop_reason": attempt.stop_reason,
        "usage": usage_dict(attempt.usage),
        "cost_usd": money(attempt.cost_usd),
        "cost_lines": [
            {"model": line.model, "cost_usd": money(line.cost_usd), "note": line.note}
            for line in attempt.cost_lines
        ],
        "latency_ms": attempt.latency_ms,
        "ttft_ms": attempt.ttft_ms,
        "error": attempt.error,
        "http_status": attempt.http_status,
        "request_id": attempt.request_id,
        "changes": [reason_dict(reason) for reason in attempt.changes],
    }


def reason_dict(reason: Reason) -> Json:
    return {
        "step": reason.step,
        "text": reason.text,
        "from": reason.before,
        "to": reason.after,
    }


def _alternative(item: Alternative) -> Json:
    return {
        "tier": item.tier,
        "model": item.model,
        "estimated_cost_usd": money(item.estimated_cost_usd),
        "cost_ratio": item.cost_ratio,
    }


def _assignment(item: Assignment | None) -> Json | None:
    if item is None:
        return None
    return {"name": item.name, "arm": item.arm, "propensity": item.propensity}
