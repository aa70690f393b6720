"""Figures, one command each: `python -m benchmarks.route`, `python -m benchmarks.ledger`, …"""
