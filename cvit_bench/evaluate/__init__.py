"""Read a manifest, write predictions, scores and results."""
