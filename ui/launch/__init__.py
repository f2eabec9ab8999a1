"""Pieces of the Launch page: the form, the preview of the data, and what the run will cost."""
