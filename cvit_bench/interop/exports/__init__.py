"""One file a format for other tools: `write(run, out)` writes a run in it and says where."""
