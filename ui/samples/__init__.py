"""Pieces of the Samples page: which samples, the grid, one sample large."""
