"""The matrices beside S, K, F and L, from means of fields: over wordings, under form changes, of other runs.

    W, B   smallest and largest score over the wordings of a task
    T, H   mean score over train wordings, and over heldout ones
    A, C   share of pairs of wordings with one verdict, share of samples with one verdict in all wordings
    O, N   form kept and lenient knowledge under form changes
    M, P   scores of a multitask run, and of per-task runs

W to H are of S. A and C leave captions out, whose score has no right and wrong; O and N leave out tasks that
are asked in one form only. M and P stand in the last row, whichever stage of the other run they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from cvit_bench.records.matrix import Array, Kind, ScoreMatrix

_PERCENT = 100.0
_FIELDS: Mapping[Kind, tuple[str, str]] = {
    "A": ("agreement", "asked in several wordings"),
    "C": ("consistent", "asked in all of several wordings"),
    "T": ("train_wordings", "asked in several wordings, some of the train split"),
    "H": ("heldout_wordings", "asked in several wordings, some of the heldout split"),
    "O": ("changed_form", "asked in another form"),
    "N": ("changed_lenient", "asked in another form"),
    "M": ("multitask", "answered by a multitask run too (--reference)"),
    "P": ("per_task", "answered by a per-task run too (--reference)"),
}
"""Matrix -> the field that it is the mean of, and what was not done where it has no value."""


def matrices_beside(means: Mapping[str, Array], layout: ScoreMatrix) -> dict[Kind, ScoreMatrix]:
    """Return all of them in percent; where a field is missing they hold NaN.

    Args:
        means: field -> [..., num_stages, num_tasks], in the scorer's unit.
        layout: names of stages and tasks; its values are not read.
    """
    nothing = np.full_like(means["strict"], np.nan)
    found = {kind: (means.get(name, nothing), lack) for kind, (name, lack) in _FIELDS.items()}
    worst, best = worst_and_best(means, nothing)
    found["W"], found["B"] = (worst, "asked in several wordings"), (best, "asked in several wordings")
    matrices = {
        kind: replace(layout, values=_PERCENT * values, was_not=lack)
        for kind, (values, lack) in found.items()
    }
    closed = [task for task in layout.tasks if task not in layout.open_ended]
    changed = [task for task in layout.tasks if task in layout.form_changes]
    kept = {"A": closed, "C": closed, "O": changed, "N": changed}
    return {kind: _only(matrix, kept.get(kind, matrix.tasks)) for kind, matrix in matrices.items()}


def worst_and_best(means: Mapping[str, Array], nothing: Array) -> tuple[Array, Array]:
    """Return smallest and largest score over wordings, without the noise of the deal."""
    names = [name for name in means if name.removeprefix("wording_").isdigit()]
    wordings = np.stack([means[name] for name in names] or [nothing])
    num = (~np.isnan(wordings)).sum(axis=0)
    mean = np.divide(np.nansum(wordings, axis=0), num, out=nothing.copy(), where=num > 0)
    apart = wordings - mean
    squares = np.nansum(apart**2, axis=0)
    noise = np.nan_to_num(means.get("wording_noise", nothing))
    kept = np.divide(noise, squares, out=np.zeros_like(mean), where=squares > 0)
    shrunk = np.sqrt(np.clip(1.0 - kept, 0.0, 1.0))
    worst = np.maximum(mean + shrunk * np.fmin.reduce(apart), 0.0)
    return worst, np.maximum(mean + shrunk * np.fmax.reduce(apart), worst)


def _only(matrix: ScoreMatrix, tasks: Sequence[str]) -> ScoreMatrix:
    """Return the matrix with these columns alone."""
    at = [matrix.tasks.index(task) for task in tasks]
    num_unseen = sum(task in matrix.unseen_tasks for task in tasks)
    return replace(matrix, values=matrix.values[..., at], tasks=tuple(tasks), num_unseen=num_unseen)
