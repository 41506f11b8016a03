"""CIDEr as the public caption evaluation prints it: consensus of a sentence with several references.

    score   10 · mean over the references of the clipped similarity (`answers.consensus`), in [0, 10]

The documents of the TF-IDF weights are the samples' references. People print 100 times the corpus mean, and
the mean of these scores is that corpus score. S = K: wording is the content. F is the form contract.
The formula is the paper's CIDEr-D (Vedantam, Zitnick and Parikh, 2015) in all but its name: clipped counts
and a penalty for length; `cider_cosine` is what the paper calls CIDEr. Tokens: `answers.ptb`.
A corpus of one sample has ln N = 0, so every weight is 0 and the score is 0, as in the public code.
"""

from collections.abc import Sequence

from cvit_bench.answers.consensus import corpus_scores
from cvit_bench.answers.ptb import ptb_tokens
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "CIDEr"
OPEN_ENDED = True
HIGHEST = 10.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score sentences against their references (S = K in [0, 10])."""
    values = corpus_scores([(sample.id, sample.answers, text) for sample, text in items], ptb_tokens)
    return [
        Score(value, value, form_kept(task.answer_form, task.form, text), text.strip())
        for value, (_, text) in zip(values, items, strict=True)
    ]
