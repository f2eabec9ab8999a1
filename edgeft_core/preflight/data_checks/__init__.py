"""Checks of the images and of who is on them. Torch-free."""

from __future__ import annotations
