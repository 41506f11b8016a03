"""How brittle a task is to rewording: fields of each sample over the K paraphrases of its instruction.

Where every sample sees all K wordings, the score of wording v is the mean over samples of x_iv. Where sample
i sees only k of them (D_i, dealt at random and balanced), x_iv is replaced by

    z_iv = x̄_i + (K − 1)/(k − 1) · [v ∈ D_i] · (x_iv − x̄_i),   x̄_i the mean over D_i

the intra-block estimate of an incomplete block design (Yates 1936): wordings are compared within samples, so
that a sample's difficulty does not count. Each set of k being as likely as any other, the mean of z_iv over
samples has the mean of x_iv over all samples as its expectation, without any assumption on x; with k = K, z
is x. It is closer than the plain mean over the samples that saw v where the scores of one sample correlate by
more than 1 − K(k − 1)/(k(K − 1)): .43 for two of eight wordings, .14 for four.

Means over wordings and the gap are linear in z, so they are unbiased, and so is agreement, a mean over pairs.
Worst and best are not: the noise of the deal drives the smallest and the largest of K estimates apart. With
d_v = mean of z_iv − x̄_i and s_i² the variance of sample i's k scores,

    E Σ_v d_v² = its value in the full design + noise,    noise = (K − 1)(K − k)/((k − 1) N²) · Σ_i s_i²

so all d_v are shrunk by √max(0, 1 − noise / Σ_v d_v²) (a constrained estimate: Louis 1984), which gives them
the spread that they have in the full design; with k = K nothing is shrunk. Whether *all* K wordings get one
verdict cannot be told from k of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cvit_bench.records.matrix import Array
from cvit_bench.records.sample import RIGHT

SHARES = ("agreement", "consistent")
"""Fields in [0, 1]; the others are in the unit of the scores."""


def over_wordings(
    strict: Array, places: Mapping[tuple[str, str], int], is_train: Mapping[str, bool], highest: float
) -> dict[str, Array]:
    """Return the fields of `wording_fields` over items; none where a task is asked in one wording.

    What is measured once a sample stands at the first of its items; the others hold NaN.

    Args:
        strict: [num_stages, num_items].
        places: (variant, sample id) -> item; variants that `is_train` does not name are left out.
        is_train: paraphrase -> whether it is of the train split.
        highest: largest score.
    """
    if len(is_train) < 2:
        return {}
    column = {variant: at for at, variant in enumerate(is_train)}
    mine = {key: at for key, at in places.items() if key[0] in column}
    row = {name: at for at, name in enumerate(dict.fromkeys(name for _, name in mine))}
    scores = np.full((len(strict), len(row), len(column)), np.nan)
    first = np.zeros(len(row), dtype=np.int64)
    for (variant, name), at in reversed(mine.items()):
        scores[:, row[name], column[variant]] = strict[:, at]
        first[row[name]] = at
    found = wording_fields(scores, list(is_train.values()), highest)
    return {name: _placed(values, first, strict.shape) for name, values in found.items()}


def _placed(values: Array, first: npt.NDArray[np.int64], shape: tuple[int, ...]) -> Array:
    field = np.full(shape, np.nan)
    field[:, first] = values
    return field


def wording_fields(scores: Array, is_train: Sequence[bool], highest: float) -> dict[str, Array]:
    """Return field -> [num_stages, num_samples] of one task.

    Args:
        scores: [num_stages, num_samples, K]; NaN where a sample did not see a wording at a stage.
        is_train: K of them, whether a wording belongs to the train split.
        highest: largest score; an answer is right from half of it on.

    Fields: `wording_0` …, `train_wordings`, `heldout_wordings` (in the unit of the scores; a split without
    any wording has none), `agreement` (share of pairs of wordings with the same verdict), `consistent`
    (1 where all have it, NaN where the sample did not see all) and `wording_noise`, whose mean is the noise
    of the deal.
    """
    means = completed(scores)
    seen = ~np.isnan(scores)
    fields = {f"wording_{at}": means[..., at] for at in range(scores.shape[-1])}
    split = np.array(is_train)
    for name, chosen in (("train_wordings", split), ("heldout_wordings", ~split)):
        if chosen.any():
            fields[name] = means[..., chosen].mean(axis=-1)
    num, right = seen.sum(axis=-1), (seen & (scores >= RIGHT * highest)).sum(axis=-1)
    wrong, not_run = num - right, num == 0
    pairs = right * (right - 1) + wrong * (wrong - 1)
    all_pairs = num * (num - 1)
    blank = np.full(num.shape, np.nan)
    fields["agreement"] = np.divide(pairs, all_pairs, out=blank.copy(), where=all_pairs > 0)
    fields["wording_noise"] = _noise(scores, num)
    same = (right == 0) | (wrong == 0)
    fields["consistent"] = np.where(not_run | (num < scores.shape[-1]), np.nan, same.astype(np.float64))
    return fields


def _noise(scores: Array, num: npt.NDArray[np.int64]) -> Array:
    """Return (K − 1)(K − k)/((k − 1) N) · s_i², [num_stages, num_samples]."""
    total, k = scores.shape[-1], num.astype(np.float64)
    filled = np.where(np.isnan(scores), 0.0, scores)
    squares = (filled**2).sum(axis=-1) - filled.sum(axis=-1) ** 2 / np.maximum(k, 1)
    weight = (total - 1) * (total - k) / (np.maximum(k - 1, 1) ** 2 * scores.shape[-2])
    return np.where(k > 1, weight * np.maximum(squares, 0.0), np.nan)


def completed(scores: Array) -> Array:
    """Return z, [num_stages, num_samples, K]; NaN where nothing was run, or one wording of several."""
    seen, total = ~np.isnan(scores), scores.shape[-1]
    num = seen.sum(axis=-1, keepdims=True).astype(np.float64)
    mean = np.divide(
        np.nansum(scores, axis=-1, keepdims=True), num, out=np.full(num.shape, np.nan), where=num > 0
    )
    factor = np.divide(total - 1, num - 1, out=np.full(num.shape, np.nan), where=num > 1)
    factor[num == total] = 1.0
    return mean + factor * np.where(seen, scores - mean, 0.0)
