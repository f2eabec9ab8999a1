"""The worker: the process of one run, and the only place where store and engine meet."""
