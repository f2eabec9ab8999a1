"""Pieces of the Runs page: table, verbs, comparison."""
