"""Turnout: each LLM request to the cheapest model that can answer it."""
