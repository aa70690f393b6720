"""Estimates of how hard a request is."""

from turnout.classifiers.rules import Rule, Rules

__all__ = ["Rule", "Rules"]
