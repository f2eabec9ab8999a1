"""The fault suite: every cause injected into an otherwise healthy run, beside healthy slow starters.

``python -m benchmarks.faults`` runs it and writes ``docs/diagnosis-report.md``.
"""
