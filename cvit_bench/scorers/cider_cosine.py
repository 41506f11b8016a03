"""CIDEr before it was hardened (Vedantam, Zitnick and Parikh, 2015): the plain cosine of TF-IDF n-grams.

    score   10 · mean over the references of the cosine (`answers.consensus`), in [0, 10]

Neither clipped nor penalised for length: a repeated word pays. The paper stems words first; here, as in the
authors' code, words stay as they are. S = K: wording is the content. F is the form contract.
"""

from collections.abc import Sequence

from cvit_bench.answers.consensus import corpus_scores, cosine
from cvit_bench.answers.ptb import ptb_tokens
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "CIDEr, plain cosine"
OPEN_ENDED = True
HIGHEST = 10.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score sentences against their references (S = K in [0, 10])."""
    values = corpus_scores([(sample.id, sample.answers, text) for sample, text in items], ptb_tokens, cosine)
    return [
        Score(value, value, form_kept(task.answer_form, task.form, text), text.strip())
        for value, (_, text) in zip(values, items, strict=True)
    ]
