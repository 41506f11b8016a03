"""Measurements of the benchmark itself: each file a script, see README.md."""
