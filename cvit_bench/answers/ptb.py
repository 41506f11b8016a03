"""Tokens of a caption as the public caption evaluation cuts them, by one regular expression.

Those of the Penn Treebank, lower-cased and without punctuation: contractions are split (`does n't`,
`man 's`), hyphens, prices and clock times stay whole. Known differences: abbreviations lose their last full
stop (`p.m`), and brackets vanish, which the public pipeline leaves in.
"""

import re

_TOKEN = re.compile(
    r"can(?=not\b)|(?<=can)not\b|o'\w+|\w+?(?=n't\b)|n't\b|'(?:s|m|d|re|ve|ll)\b"
    r"|\d+(?:[.,:/]\d+)+|\w+(?:[-./@]\w+)*|[$%&#@*+=]"
)


def ptb_tokens(text: str) -> list[str]:
    """Cut a caption into tokens."""
    return _TOKEN.findall(text.lower().replace("’", "'"))
