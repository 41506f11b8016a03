"""Matrices beside S, K, F and L: what they hold, which tasks they leave out, and why they are refused."""

import numpy as np
import pytest

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.metrics import (
    agreement,
    consistency,
    form_change_kept,
    worst_wording,
)
from cvit_bench.metrics.beside import matrices_beside
from cvit_bench.records.matrix import ScoreMatrix

LAYOUT = ScoreMatrix(
    np.full((2, 3), np.nan),
    ("base", "1"),
    ("a", "caption", "unseen"),
    ((), ("a", "caption")),
    num_unseen=1,
    open_ended=frozenset({"caption"}),
    form_changes=frozenset({"caption", "unseen"}),
)


def _row(*last):
    return np.array([[np.nan] * 3, last])


MEANS = {
    "strict": _row(0.4, 2.0, 0.5),
    "wording_0": _row(0.5, 3.0, 0.6),
    "wording_1": _row(0.3, 2.5, 0.4),
    "wording_2": _row(np.nan, 0.5, np.nan),  # only the caption has a third wording
    "agreement": _row(0.7, 0.6, 0.9),
    "consistent": _row(0.6, 0.5, np.nan),
    "changed_form": _row(np.nan, 0.25, 0.75),
}


def test_worst_and_best_over_the_wordings_that_a_task_has():
    found = matrices_beside(MEANS, LAYOUT)
    np.testing.assert_allclose(found["W"].values[1], [30, 50, 40])
    np.testing.assert_allclose(found["B"].values[1], [50, 300, 60])
    assert worst_wording.compute(found["W"]) == pytest.approx(40)


def test_captions_have_no_verdict():
    found = matrices_beside(MEANS, LAYOUT)
    assert found["A"].tasks == found["C"].tasks == ("a", "unseen")
    assert (found["A"].train_tasks, found["A"].unseen_tasks) == (("a",), ("unseen",))
    assert agreement.compute(found["A"]) == pytest.approx(70)
    assert consistency.compute(found["C"]) == pytest.approx(60)


def test_form_changes_count_where_a_task_has_them():
    found = matrices_beside(MEANS, LAYOUT)
    assert found["O"].tasks == ("caption", "unseen")
    assert form_change_kept.compute(found["O"]) == pytest.approx(25)


def test_many_draws_keep_their_places():
    draws = {name: np.stack([values, 2 * values]) for name, values in MEANS.items()}
    found = matrices_beside(draws, LAYOUT)
    np.testing.assert_allclose(worst_wording.compute(found["W"]), [40, 80])
    assert found["A"].values.shape == (2, 2, 2)


def test_what_was_not_asked_is_refused_with_its_reason():
    found = matrices_beside({"strict": MEANS["strict"]}, LAYOUT)
    with pytest.raises(MetricUndefinedError, match=r"^no task was asked in several wordings$"):
        worst_wording.compute(found["W"])
    with pytest.raises(MetricUndefinedError, match="no task was answered by a multitask run"):
        found["M"].cell(1, "a")
    holed = matrices_beside({**MEANS, "consistent": _row(np.nan, 1, 1)}, LAYOUT)
    with pytest.raises(MetricUndefinedError, match="task a was not asked in all of several wordings at stag"):
        consistency.compute(holed["C"])
