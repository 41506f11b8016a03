"""Import and export of other tools' formats, one file each."""
