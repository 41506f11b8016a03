"""Results in, static HTML out."""
