"""How often 95 % intervals hold the truth, on synthetic runs whose truth is known.

    python -m benchmarks.coverage [--runs 2000] [--resamples 1000] [--only NAME]      (make coverage)

Every item has a probability to be known and one to be answered in the form asked for. Both come from a normal
variable that is shared in part by the questions on one picture, by the wordings of one sample and by stages:

    x = √.3 · picture + √.3 · sample + √.2 · item + √.2 · (item at this stage),   known where Φ(x) < p

so that the share known is p exactly, whatever is shared; the share in form is q. Where wordings differ, part
of the variance belongs to the wording, at all stages and for all samples; p and q are then those over all
wordings. A right answer that breaks the form is found leniently with probability ½; of the unknown ones 1/C
are ranked right, with and without a picture. Then S = p·q, lenient K = p·(q + (1 − q)/2), ranked K = p, and
the truth of every metric is its value on the matrices of these.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from benchmarks.bootstrap import layout
from cvit_bench.evaluate.measures import measured
from cvit_bench.metrics import ap, bwt_tm1, obeying, seeing
from cvit_bench.metrics.knowledge import matrices
from cvit_bench.metrics.resampling import Items
from cvit_bench.metrics.uncertainty import percentile_interval
from cvit_bench.records.choices import Resample
from cvit_bench.records.matrix import Array, ScoreMatrix

METRICS = ("AP", "BWT", "seeing", "obeying")
SHARED = (0.3, 0.3, 0.2, 0.2)
LENIENT = 0.5


@dataclass(frozen=True)
class Setting:
    """A kind of run: shares known and in form [num_stages, num_tasks], pictures a task, allowed answers.

    `by_wording` is the share of the variance that wordings have, `resample` what intervals count as drawn.
    """

    known: Array
    form: Array
    pictures: int
    wordings: int = 2
    choices: int | None = 4
    by_wording: float = 0.0
    resample: Resample = Resample.IMAGES


KNOWN = np.array([[0.3, 0.2, 0.4], [0.9, 0.3, 0.4], [0.7, 0.85, 0.3], [0.6, 0.7, 0.8]])
FORM = np.array([[0.5, 0.3, 0.8], [0.95, 0.5, 0.7], [0.6, 0.9, 0.5], [0.5, 0.7, 0.95]])
HIGH = np.array([[0.5, 0.5, 0.5], [0.99, 0.5, 0.5], [0.98, 0.99, 0.5], [0.97, 0.98, 0.99]])
SETTINGS = {
    "ranked, 300 pictures": Setting(KNOWN, FORM, 300),
    "ranked, 60 pictures": Setting(KNOWN, FORM, 60),
    "lenient, 300 pictures": Setting(KNOWN, FORM, 300, choices=None),
    "lenient, 60 pictures": Setting(KNOWN, FORM, 60, choices=None),
    "ranked, one wording": Setting(KNOWN, FORM, 300, wordings=1),
    "near 100 %, ranked": Setting(HIGH, np.full_like(HIGH, 0.99), 200),
    "near 100 %, lenient": Setting(HIGH, np.full_like(HIGH, 0.99), 200, choices=None),
    "near 0 %, lenient": Setting(1 - HIGH, np.full_like(HIGH, 0.9), 200, choices=None),
}
for _resample in Resample:
    SETTINGS[f"5 wordings that differ, {_resample.value}"] = Setting(
        KNOWN, FORM, 300, 5, by_wording=0.1, resample=_resample
    )
BETTER_KNOWN = np.array([[0.3, 0.2, 0.4], [0.9, 0.3, 0.4], [0.8, 0.85, 0.3], [0.75, 0.8, 0.8]])
BETTER_FORM = np.array([[0.5, 0.3, 0.8], [0.95, 0.5, 0.7], [0.8, 0.9, 0.5], [0.7, 0.8, 0.95]])
PAIRS = {
    f"second − first, {name}": (SETTINGS[name], replace(SETTINGS[name], known=BETTER_KNOWN, form=BETTER_FORM))
    for name in ("ranked, 300 pictures", "lenient, 300 pictures")
}
"""Two runs on the same items, as `cvit-bench compare` has them: the second forgets less."""


def simulated(
    setting: Setting, generator: np.random.Generator, pictures: int | None = None
) -> dict[str, Items]:
    """Return the items of one run: one or two questions on a picture, each in all wordings."""
    num = pictures or setting.pictures
    columns = enumerate(zip(setting.known.T, setting.form.T, strict=True))
    return {f"t{at}": _task(setting, known, form, num, generator) for at, (known, form) in columns}


def _task(setting: Setting, known: Array, form: Array, num: int, generator: np.random.Generator) -> Items:
    picture = np.repeat(np.arange(num), generator.integers(1, 3, num))
    sample = np.repeat(np.arange(len(picture)), setting.wordings)
    picture, wording = picture[sample], np.tile(np.arange(setting.wordings), len(picture))
    knows = _drawn(known, picture, sample, generator, setting.by_wording, wording)
    keeps = _drawn(form, picture, sample, generator, setting.by_wording, wording)
    strict = knows & keeps
    fields = {
        "strict": strict,
        "unsaid": knows & ~keeps & (generator.random(knows.shape) < LENIENT),
        "form": keeps,
    }
    if setting.choices is not None:
        lucky, lucky_blank = generator.random((2, *knows.shape)) < 1 / setting.choices
        fields |= {
            "wrong": ~strict,
            "ranked": ~strict & (knows | lucky),
            "blank": ~strict & lucky_blank,
            "uniform": ~strict * (1 / setting.choices),
        }
    found = {name: values.astype(np.float64) for name, values in fields.items()}
    return Items(found, picture, wordings=wording)


def _drawn(
    shares: Array,
    picture: Array,
    sample: Array,
    generator: np.random.Generator,
    by_wording: float,
    wording: Array,
) -> Array:
    """Return [num_stages, num_items] of truth values with the given shares."""
    parts = (
        generator.standard_normal(picture.max() + 1)[picture],
        generator.standard_normal(sample.max() + 1)[sample],
        generator.standard_normal(len(sample)),
        generator.standard_normal((len(shares), len(sample))),
    )
    mixed = sum(np.sqrt(share) * part for share, part in zip(SHARED, parts, strict=True))
    if by_wording:
        way = generator.standard_normal(wording.max() + 1)[wording]
        mixed = np.sqrt(1 - by_wording) * mixed + np.sqrt(by_wording) * way
    return ndtr(mixed) < shares[:, None]


def truth(setting: Setting, about: ScoreMatrix) -> dict[str, float]:
    """Return the metrics on the matrices that the setting stands for."""
    p, q = setting.known, setting.form
    share = LENIENT if setting.choices is None else 1.0
    found = matrices({"strict": p * q, "unsaid": p * (1 - q) * share, "form": q}, about)
    return {name: float(value) for name, value in judged(found).items()}


def judged(found: Mapping[str, ScoreMatrix]) -> dict[str, Array]:
    """Return AP, BWT and the halves of forgetting, as the metrics compute them."""
    strict, knowledge = found["S"], found["K"]
    return {
        "AP": ap.compute(strict),
        "BWT": bwt_tm1.compute(strict),
        "seeing": seeing.compute(knowledge),
        "obeying": obeying.compute(strict, knowledge),
    }


def coverage(setting: Setting, runs: int, resamples: int, seed: int = 0) -> dict[str, float]:
    """Return for each metric the share of runs whose interval holds the truth."""
    about = layout(*setting.known.shape)
    generator = np.random.default_rng(seed)
    found = (
        measured(simulated(setting, generator), about, resamples, run, resample=setting.resample)
        for run in range(runs)
    )
    judgements = ((judged(one.point), judged(one.draws)) for one in found)
    return _held(truth(setting, about), judgements, runs)


def change_coverage(
    first: Setting, second: Setting, runs: int, resamples: int, seed: int = 0
) -> dict[str, float]:
    """Return for each metric the share of pairs of runs whose interval holds the true change."""
    about = layout(*first.known.shape)
    goals = truth(first, about), truth(second, about)
    generator = np.random.default_rng(seed)
    pairs = (_pair(first, second, generator) for _ in range(runs))
    judgements = (_changes(pair, about, resamples, run) for run, pair in enumerate(pairs))
    return _held({name: goals[1][name] - goals[0][name] for name in METRICS}, judgements, runs)


def _pair(first: Setting, second: Setting, generator: np.random.Generator) -> list[dict[str, Items]]:
    """Simulate two runs on the same items: stages of one after those of the other, cut apart."""
    stacked = {name: np.vstack((getattr(first, name), getattr(second, name))) for name in ("known", "form")}
    both, cut = simulated(replace(first, **stacked), generator), len(first.known)
    return [
        {
            task: Items({name: rows[part] for name, rows in items.fields.items()}, items.clusters)
            for task, items in both.items()
        }
        for part in (slice(cut), slice(cut, None))
    ]


def _changes(
    pair: Sequence[Mapping[str, Items]], about: ScoreMatrix, resamples: int, seed: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    one, other = (measured(items, about, resamples, seed, run) for run, items in enumerate(pair))
    values, draws = (judged(one.point), judged(other.point)), (judged(one.draws), judged(other.draws))
    return tuple({name: two[1][name] - two[0][name] for name in METRICS} for two in (values, draws))


def _held(
    goal: Mapping[str, float], judgements: Iterable[tuple[dict[str, Array], dict[str, Array]]], runs: int
) -> dict[str, float]:
    held = dict.fromkeys(METRICS, 0)
    for values, draws in judgements:
        for name in METRICS:
            low, high = percentile_interval(draws[name], float(values[name]))
            held[name] += low <= goal[name] <= high
    return {name: count / runs for name, count in held.items()}


def _shares(name: str, runs: int, resamples: int) -> dict[str, float]:
    if name in SETTINGS:
        return coverage(SETTINGS[name], runs, resamples)
    return change_coverage(*PAIRS[name], runs, resamples)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--only", help="settings whose name begins so")
    wanted = parser.parse_args()
    print("| run | AP | BWT | seeing (ΔK) | obeying (ΔG) |\n|---|---|---|---|---|")
    for name in (*SETTINGS, *PAIRS):
        if name.startswith(wanted.only or ""):
            shares = _shares(name, wanted.runs, wanted.resamples).values()
            print(f"| {name} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
