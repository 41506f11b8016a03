"""The embedded suite: its pictures, its base model and the recipes of both."""
