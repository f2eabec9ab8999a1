"""Jobs: states and transitions, launching detached workers, the worker itself, liveness."""
