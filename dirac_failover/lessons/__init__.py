"""Teaches the module contract: predict, then look."""
