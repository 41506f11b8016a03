"""Annotation formats, one file each: `read(path, beside)` yields samples.

`beside` (`records.split.Beside`) says where pictures and second files lie. A row that cannot be read goes to
`beside.refuse`, which raises, or notes it where all faults of a file are wanted. References that a format
does not hold are left empty (`answers=()`): the split may have them in another file.
"""
