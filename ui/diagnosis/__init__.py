"""Pieces of the Diagnosis page: the verdict and its history, causes as cards, experiments, what was looked at."""
