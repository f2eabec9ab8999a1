"""Checks of the settings alone. Torch-free."""

from __future__ import annotations
