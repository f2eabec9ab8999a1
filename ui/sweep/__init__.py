"""Pieces of the Sweep page: the form, the map of heads, what is behind a cell, and the edge in words."""
