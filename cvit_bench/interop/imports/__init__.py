"""One file a format of other tools: `find(path)` lists the cells that lie there, and how each is read."""
