"""Ranked and chance-corrected K against a literal loop over samples."""

import numpy as np
import pytest

from cvit_bench.metrics.knowledge import FIELDS, known, matrices
from cvit_bench.records.matrix import ScoreMatrix

LAYOUT = ScoreMatrix(np.empty((1, 2)), ("base",), ("a", "b"), ((),))


def looped(strict, ranked, blank, sizes):
    wrong = [at for at, value in enumerate(strict) if value == 0]
    score = sum(strict) / len(strict)
    if not wrong:
        return score
    right = sum(ranked[at] for at in wrong) / len(wrong)
    guessed = sum(blank[at] for at in wrong) / len(wrong)
    chance = max(guessed, sum(1 / sizes[at] for at in wrong) / len(wrong))
    gain = max(0.0, (right - chance) / (1 - chance)) if chance < 1 else 0.0
    return score + (1 - score) * gain


def means(strict, ranked, blank, sizes):
    strict, wrong = np.array(strict, float), np.array(strict) == 0
    rows = (strict, wrong, wrong & ranked, wrong & blank, wrong / np.array(sizes))
    return dict(zip(FIELDS, (np.mean(row, keepdims=True) for row in rows), strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_as_in_a_loop(seed):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(1, 30))
    strict = generator.choice([0.0, 0.3, 1.0], n, p=[0.6, 0.1, 0.3]).tolist()
    ranked, blank = generator.random(n) < 0.6, generator.random(n) < 0.2
    sizes = generator.integers(1, 6, n).tolist()
    assert known(**means(strict, ranked, blank, sizes))[0] == pytest.approx(
        looped(strict, ranked.tolist(), blank.tolist(), sizes)
    )


def test_by_hand():
    """10 samples, 4 right; of the 6 others 4 are ranked right, 1 with a blank picture, 4 answers each.

    r = 4/6, c = max(1/6, 1/4) = 1/4, G = 0.6 · (4/6 − 1/4) / (3/4) = 1/3.
    """
    ranked = np.array([False] * 4 + [True] * 4 + [False] * 2)
    blank = np.array([False] * 9 + [True])
    assert known(**means([1] * 4 + [0] * 6, ranked, blank, [4] * 10))[0] == pytest.approx(0.4 + 1 / 3)


def test_what_a_blank_picture_tells_is_no_knowledge():
    seen = np.array([True, True, False, False])
    assert known(**means([0] * 4, seen, seen, [10] * 4))[0] == 0
    assert known(**means([0] * 4, ~seen, np.array([True] * 3 + [False]), [10] * 4))[0] == 0


def test_one_allowed_answer_says_nothing():
    assert known(**means([0, 0], np.array([True, True]), np.array([True, True]), [1, 1]))[0] == 0


def test_never_below_s_nor_above_one():
    generator = np.random.default_rng(0)
    wrong = generator.random(1000)
    ranked, blank, uniform = (wrong * generator.random(1000) for _ in range(3))
    found = known(1 - wrong, wrong, ranked, blank, uniform)
    assert (found >= 1 - wrong - 1e-12).all()
    assert (found <= 1 + 1e-12).all()


def test_a_task_without_ranking_keeps_lenient_knowledge():
    nothing = np.nan
    rows = {
        "strict": (0.2, 0.3),
        "unsaid": (0.05, 0.1),
        "form": (0.5, 0.6),
        "wrong": (0.8, nothing),
        "ranked": (0.6, nothing),
        "uniform": (0.2, nothing),
        "blank": (0.4, nothing),
    }
    found = matrices({name: np.array([row]) for name, row in rows.items()}, LAYOUT)
    assert set(found) == set("SKFL")
    assert found["S"].values == pytest.approx(np.array([[20, 30]]))
    assert found["L"].values == pytest.approx(np.array([[25, 40]]))
    assert found["F"].values == pytest.approx(np.array([[50, 60]]))
    assert found["K"].values == pytest.approx(np.array([[20 + 80 * (0.6 - 0.4) / 0.4, 40]]))


def test_draws_and_one_run_alike():
    generator = np.random.default_rng(0)
    means = {name: generator.random((7, 1, 2)) for name in (*FIELDS, "unsaid", "form")}
    many = matrices(means, LAYOUT)["K"].values
    for at in range(7):
        one = matrices({name: values[at] for name, values in means.items()}, LAYOUT)["K"].values
        np.testing.assert_array_equal(many[at], one)
