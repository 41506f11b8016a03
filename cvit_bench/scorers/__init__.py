"""One file a scorer: strict score S, knowledge score K and form F of one answer."""
