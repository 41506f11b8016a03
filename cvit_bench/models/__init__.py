"""The seam to model libraries: load, generate, loss."""
