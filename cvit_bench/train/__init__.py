"""Train a suite stage by stage and write the manifest."""
