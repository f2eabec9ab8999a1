"""Scripts that measure and print JSON; dated results lie in ``results``."""
