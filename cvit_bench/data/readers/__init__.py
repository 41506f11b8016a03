"""Annotation formats, one file each: `read(path, sample_prefix)` yields samples."""
