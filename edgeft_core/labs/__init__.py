"""Laboratories: what temperature, scale and margin will do, before they are done."""
