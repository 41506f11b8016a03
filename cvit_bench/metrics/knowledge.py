"""K where the answer set is closed: what a model ranks first, corrected for chance.

Among the samples with S = 0 let r be the share whose right answer is ranked first and c the chance level: the
larger of the mean of 1/C over C allowed answers and the share ranked right with a blank picture. Then

    G = (1 − S) · max(0, (r − c) / (1 − c))        known, but not said as asked
    K = S + G

All of it follows from five means over the same samples, so a bootstrap resamples these (`FIELDS`) alone.
Lettered options are ranked twice, by their letters and by their words, and what shows more knowledge counts:
a model that names letters no more may still hold the right option likeliest (`IN_WORDS`).
Where a task has no ranking, K is the mean of lenient scores.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cvit_bench.records.matrix import Array, Kind, ScoreMatrix

FIELDS = ("strict", "wrong", "ranked", "blank", "uniform")
IN_WORDS = ("ranked_words", "blank_words")
"""`ranked` and `blank` where options are ranked by their words."""
PERCENT = 100.0
_STEP = 1e-6


def matrices(means: Mapping[str, Array], layout: ScoreMatrix) -> dict[Kind, ScoreMatrix]:
    """Return all matrices in percent; scores become percent here and nowhere else.

    Args:
        means: field -> [..., num_stages, num_tasks] in the scorer's unit: `strict`, `unsaid` (lenient score
            minus strict one), `form`, and the other `FIELDS` where some task is ranked (NaN for the others).
        layout: names of stages and tasks; its values are not read.
    """
    strict = means["strict"]
    lenient = strict + means["unsaid"]
    knowledge = lenient
    if "ranked" in means:
        knowledge = np.where(
            np.isnan(means["ranked"]), lenient, np.max([known(**way) for way in ways(means)], axis=0)
        )
    values: Mapping[Kind, Array] = {"S": strict, "K": knowledge, "F": means["form"], "L": lenient}
    return {kind: replace(layout, values=PERCENT * one) for kind, one in values.items()}


def known(strict: Array, wrong: Array, ranked: Array, blank: Array, uniform: Array) -> Array:
    """Return K in [0, 1] of arrays of one shape, each entry the mean of a field over some samples.

    Args:
        strict: S in [0, 1].
        wrong: 1 where S = 0, else 0.
        ranked: 1 where S = 0 and the right answer is ranked first.
        blank: 1 where S = 0 and it is ranked first with a blank picture as well (1/C without a picture).
        uniform: 1/C where S = 0, else 0.
    """
    chance = np.maximum(blank, uniform)
    room = wrong - chance
    gain = np.divide(ranked - chance, room, out=np.zeros_like(room), where=room > 0)
    return strict + (1 - strict) * np.clip(gain, 0.0, 1.0)


def ways(fields: Mapping[str, Array]) -> list[dict[str, Array]]:
    """Return the `FIELDS` of each way of ranking; a task without words has nothing above S in the second."""
    first = {name: fields[name] for name in FIELDS}
    if not set(IN_WORDS) <= set(fields):
        return [first]
    ranked, blank = (fields[name] for name in IN_WORDS)
    return [first, {**first, "ranked": ranked, "blank": blank}]


def linearised(fields: Mapping[str, Array]) -> Array:
    """Return one number for each sample whose mean is ranked K and whose spread is that of its estimate.

    K + Σ_f ∂K/∂f · (f_i − mean f), the delta method: K is a smooth function of the means of `FIELDS` but at
    kinks, where the slope to both sides is averaged.

    Args:
        fields: the `FIELDS` of every sample, each [num_samples], with `IN_WORDS` where options have words.
    """
    means, fields = max(
        (({name: np.mean(one[name], keepdims=True) for name in FIELDS}, one) for one in ways(fields)),
        key=lambda pair: float(known(**pair[0])[0]),
    )
    values = np.full(len(fields["strict"]), known(**means)[0])
    for name, mean in means.items():
        above, below = (known(**{**means, name: mean + step}) for step in (_STEP, -_STEP))
        values += (above - below) / (2 * _STEP) * (fields[name] - mean)
    return np.round(values, 9)
