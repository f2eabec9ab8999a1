"""Weight files: read without running any code in them, and account for every tensor."""
