"""Exceptions that carry a message for a person.

CvitBenchError                 bad input or bad use: printed on stderr, exit status 2
├── MetricUndefinedError       a metric needs a cell that was not run: shown as "–" with its reason
└── IncompleteRunError         samples failed or are missing: what is there stays, a second call resumes

What the system refuses (OSError) ends alike. Anything else that escapes is a defect of this package and keeps
its trace.
"""


class CvitBenchError(Exception):
    """Input or use is wrong; the message names file, key, what is wrong and what is known."""


class MetricUndefinedError(CvitBenchError):
    """The score matrix lacks a cell that the metric needs."""


class IncompleteRunError(CvitBenchError):
    """Some answers are missing or failed; nothing that was finished is lost."""
