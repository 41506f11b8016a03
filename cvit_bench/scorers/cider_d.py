"""CIDEr-D (Vedantam, Zitnick and Parikh, 2015): clipped counts and a penalty for another length, σ = 6.

    score   10 · mean over the references of the clipped similarity (`answers.consensus`), in [0, 10]

The public caption evaluation prints this formula as CIDEr, so the numbers are those of `cider`; a suite whose
paper says CIDEr-D says it with this file. Counts are raw, as in the authors' code; the paper divides them by
the length of the sentence. S = K: wording is the content. F is the form contract. Tokens: `answers.ptb`.
"""

from collections.abc import Sequence

from cvit_bench.answers.consensus import corpus_scores
from cvit_bench.answers.ptb import ptb_tokens
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "CIDEr-D"
OPEN_ENDED = True
HIGHEST = 10.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score sentences against their references (S = K in [0, 10])."""
    values = corpus_scores([(sample.id, sample.answers, text) for sample, text in items], ptb_tokens)
    return [
        Score(value, value, form_kept(task.answer_form, task.form, text), text.strip())
        for value, (_, text) in zip(values, items, strict=True)
    ]
