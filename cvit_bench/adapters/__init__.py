"""Trainable updates of a frozen base, one file a method."""
