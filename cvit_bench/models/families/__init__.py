"""Model families, one file each: its name is the `model_type` of a configuration."""
