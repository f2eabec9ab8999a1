"""Signals, and later verdicts, causes and probes. ``catalogue`` and ``chance`` load without torch."""
