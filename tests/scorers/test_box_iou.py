"""Boxes: what counts as one, and its overlap against an oracle that counts the cells of a grid."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.scorers import box_iou

GRID = 100
RIGHT = "[0.12, 0.40, 0.55, 0.91]"
TASK = Task(
    name="t", title="T", description="d", answer_form="box", scorer="box_iou", template="box", reader="r",
    splits={"test": {"file": "f"}}, licence="CC0-1.0", citation="c",
)  # fmt: skip


def _one(text, *answers):
    return box_iou.score(TASK, [(Sample("1", "?", answers or (RIGHT,)), text)])[0]


def _marks(text, *answers):
    found = _one(text, *answers)
    return found.strict, found.knowledge, found.form


def edges():
    return st.tuples(st.integers(0, GRID - 1), st.integers(1, GRID)).map(
        lambda pair: (pair[0], max(pair[1], pair[0] + 1))
    )


boxes = st.tuples(edges(), edges()).map(lambda two: (two[0][0], two[1][0], two[0][1], two[1][1]))


def written(box):
    return "[" + ", ".join(f"{edge / GRID:.2f}" for edge in box) + "]"


def counted_iou(one, other):
    """Count the cells of a grid that both boxes cover and those that either does."""
    covered = []
    for x1, y1, x2, y2 in (one, other):
        cells = np.zeros((GRID, GRID), dtype=bool)
        cells[y1:y2, x1:x2] = True
        covered.append(cells)
    return (covered[0] & covered[1]).sum() / (covered[0] | covered[1]).sum()


@given(boxes, boxes)
def test_the_overlap_is_what_counting_cells_gives(one, other):
    found, expected = _one(written(one), written(other)), counted_iou(one, other)
    assert found.strict == float(expected > 0.5)
    assert found.knowledge == pytest.approx(1.0 if expected > 0.5 else expected)
    assert found.form


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_box_overlaps_itself_fully(one, other):
    bare = written(one).strip("[]"), written(other).strip("[]")
    there, back = _one(bare[0], written(other)), _one(bare[1], written(one))
    assert there.knowledge == pytest.approx(back.knowledge)
    assert _one(bare[0], written(one)).knowledge == pytest.approx(1.0)


@given(st.text(alphabet="0123456789.,-+eE[]() naif%x\n", max_size=60))
def test_any_output_gets_a_verdict_in_range(text):
    found = _one(text)
    assert 0.0 <= found.strict <= found.knowledge <= 1.0
    assert found.form or found.strict == 0.0


def test_exactly_half_is_not_more_than_half():
    assert _marks("[0, 0, 0.5, 1]", "[0, 0, 1, 1]") == (0, 0.5, True)
    assert _marks("[0.1, 0.1, 0.4, 0.7]", "[0.1, 0.1, 0.7, 0.7]") == (0, pytest.approx(0.5), True)


def test_the_best_reference_counts():
    assert _marks("[0, 0, 0.5, 1]", "[0.9, 0.9, 1, 1]", "[0, 0, 0.5, 0.9]") == (1, 1, True)


@pytest.mark.parametrize(
    "text",
    [
        "0.12, 0.40, 0.55, 0.91",
        "0.12 0.40 0.55 0.91",
        "(0.12, 0.40, 0.55, 0.91)",
        "The box is [0.12, 0.40, 0.55, 0.91].",
        "[0.12, 0.40, 0.55, 0.91].",
        "[[0.12, 0.40, 0.55, 0.91]]",
        "[(0.12, 0.40), (0.55, 0.91)]",
        "The 2 dogs are at [0.12, 0.40, 0.55, 0.91]",
        "x1=0.12, y1=.4, x2=0.55, y2=0.91",
        "[1.2e-1, 4E-1, 5.5e-1, 9.1e-1]",
        f"{RIGHT} {RIGHT}",
        "0.12 0.40 0.55 0.91, again: 0.12 0.40 0.55 0.91",
    ],
)
def test_the_right_box_in_another_shape_is_known(text):
    assert _marks(text) == (0, pytest.approx(1.0), False)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[]", "left of it", "nan", "[nan, 0.40, 0.55, 0.91]", "[0.12, 0.40, 0.55, inf]",
        "[nan, 0.12, 0.40, 0.55, 0.91]", "[0.12, 0.40, 0.55]", "[0.12, 0.40, 0.55, 0.91, 0.95]",
        "[0.12, 0.40, 0.55, 0.91] or [0.1, 0.1, 0.2, 0.2]", "[0.1, 0.1, 0.2, 0.2] [0.12, 0.40, 0.55, 0.91]",
        "[0.12, 0.40, 0.55, 0.91] or 0.1 0.1 0.2 0.2", "[0.12, 0.40, 0.55, 0.91] [0.1, 0.1, 0.2, 0.2, 0.3]",
        "[12, 40, 55, 91]", "[12%, 40%, 55%, 91%]", "0.12 % 0.40 % 0.55 % 0.91 %", "[0,12, 0,40, 0,55, 0,91]",
        "[0.55, 0.40, 0.12, 0.91]", "[0.12, 0.91, 0.55, 0.40]", "[0.12, 0.40, 0.12, 0.91]",
        "[0.12, 0.40, 0.55, 0.40]", "[-0.12, 0.40, 0.55, 0.91]", "[0.12, 0.40, 0.55, 1.91]",
        "[0.12, 0.40, 0.55, 1e400]", "0.12.40.55.91", "[0.12.0, 0.40.0, 0.55.0, 0.91.0]",
        "[0, 0, 1e-300, 1e-300]",
    ],
)  # fmt: skip
def test_no_box_or_more_than_one_gets_nothing(text):
    assert _marks(text)[:2] == (0, 0)


def test_form_is_the_shape_alone():
    assert all(_one(text).form for text in ("[9, 9, 1, 1]", "[0.1, 0.2, 0.3, 0.4]"))
    assert not any(_one(text).form for text in ("0.1, 0.2, 0.3, 0.4", ""))


def test_answers_that_the_released_parser_misreads_are_read():
    """It drops the first and the last character after the brackets: 0.78 became 0.7, [1.00 became .00."""
    assert _one("[0.12, 0.3, 0.56, 0.78]").extracted == "[0.12, 0.3, 0.56, 0.78]"
    assert _marks("[0.12, 0.3, 0.56, 0.78]", "[0.12, 0.3, 0.56, 0.78]") == (1, 1, True)
    assert _marks("[0.00, 0.2, 1.00, 1.00]", "[0, 0.2, 1, 1]") == (1, 1, True)


@pytest.mark.parametrize("answer", ["cat", "[10, 20, 30, 40]", "[0.5, 0.5, 0.1, 0.9]"])
def test_a_reference_that_is_no_box_is_an_error_not_a_zero(answer):
    with pytest.raises(CvitBenchError, match=r"sample '1': answers: .* is no box"):
        _one(RIGHT, answer)


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "[" * 100_000, "1." * 50_000, "[0.1," * 20_000, "1e" * 50_000]
)
def test_long_outputs_take_no_long_time(text):
    started = time.process_time()
    assert _marks(text + "x")[:2] == (0, 0)
    assert time.process_time() - started < 2
