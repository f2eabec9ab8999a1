"""The original story, measured: what makes such predictions, what the reported change does, what cures them."""
