"""Pieces of the What-if page."""
