"""EdgeFT: see class collapse as it happens, learn why, and fix it while the job runs."""

__version__ = "0.1.0"
