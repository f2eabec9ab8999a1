"""The command line: ``python -m edgeft_core VERB ...``. Starts without torch."""

from __future__ import annotations

from edgeft_core.cli.main import main

__all__ = ["main"]
