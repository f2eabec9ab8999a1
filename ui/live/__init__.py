"""Pieces of the Live page: status, verdict, charts, controls, journal."""
