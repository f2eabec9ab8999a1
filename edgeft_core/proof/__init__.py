"""Proof: two short twins of a run, one with a fix and one without, and an honest verdict on the difference.

All but ``trial`` and ``twin`` load without torch. ``docs/proof.md`` says what is run, measured and called verified.
"""
