"""The gates' rules on matrices that are known by heart; nothing is trained."""

import numpy as np
import pytest

from benchmarks import gate_rules as rules
from benchmarks.gate_rules import Knowledge, Split, Verdict, mean_split
from benchmarks.probing import (
    blanked,
    mean_strict,
    question_answers,
)
from cvit_bench.data.images import blank_picture, open_picture
from cvit_bench.data.library import open_library
from cvit_bench.records.matrix import ScoreMatrix
from cvit_bench.records.sample import Picture, Prompt, Sample

TASKS = ("a", "b", "caption", "d")


def matrix(*rows, unseen=0, tasks=TASKS, captions=("caption",)):
    """Return a matrix of a sequence over four tasks; rows are stages 0 to 4."""
    train = tasks[: len(tasks) - unseen]
    trained = ((), *((task,) for task in train)) if len(rows) > 2 else ((), train)
    names = tuple(f"{at:02d}" for at in range(len(rows)))
    values = np.array(rows, dtype=float)
    return ScoreMatrix(values, names, tasks, trained[: len(rows)], unseen, frozenset(captions))


FORGETS = matrix(
    (20, 20, 20, 20),
    (80, 10, 20, 20),
    (50, 90, 20, 20),
    (0, 40, 200, 20),
    (0, 0, 180, 70),
)
ALONE = matrix((np.nan,) * 4, *np.where(np.eye(4, dtype=bool), (80, 90, 200, 70), np.nan).tolist())


@pytest.mark.parametrize(
    ("strict", "form", "passed"),
    [
        ((20, 20, 20, 0), (90, 90, 90, 90), True),
        ((20, 20, 0, 0), (90, 90, 90, 90), False),
        ((20, 20, 20, 60), (90, 90, 90, 90), True),
        ((20, 20, 60, 60), (90, 90, 90, 90), False),
        ((2, 50, 20, 0), (10, 10, 10, 10), True),
        ((20, 20, 20, 0), (90, 90, 9, 90), False),
    ],
)
def test_zero_shot_counts_tasks_with_both(strict, form, passed):
    assert rules.zero_shot(matrix(strict), matrix(form)).passed is passed


def test_shares_of_six_tasks_are_those_of_the_specification():
    six = matrix((0,) * 6, tasks=tuple("abcdef"))
    assert rules._at_least(rules.ZERO_SHOT_SHARE, six) == 4
    assert rules._at_least(rules.PER_TASK_SHARE, six) == 5


def test_per_task_reads_the_diagonal():
    assert rules.per_task(ALONE).passed
    low = matrix((0,) * 4, *np.diag((80, 59.9, 200, 70)).tolist())
    assert not rules.per_task(low).passed
    assert rules.per_task(low).measured == "3: a, caption, d"


@pytest.mark.parametrize(
    ("last", "measured", "passed"),
    [
        ((80, 90, 200, 70), "1.00, without captions 1.00", True),
        ((80, 90, 10, 70), "0.57, without captions 1.00", False),
        ((40, 45, 290, 35), "0.93, without captions 0.50", False),
    ],
)
def test_joint_needs_both_averages(last, measured, passed):
    verdict = rules.joint(matrix((0,) * 4, last), ALONE)
    assert (verdict.measured, verdict.passed) == (measured, passed)


def test_forgetting_is_stated_with_and_without_captions():
    verdict = rules.forgetting(FORGETS)
    assert verdict.measured == "-63.3, without captions -85.0"
    assert verdict.passed


def test_forgetting_of_captions_alone_is_not_enough():
    rows = ((0,) * 4, (80, 0, 0, 0), (80, 90, 0, 0), (80, 90, 200, 0), (80, 90, 0, 70))
    verdict = rules.forgetting(matrix(*rows))
    assert verdict.measured == "-66.7, without captions 0.0"
    assert not verdict.passed


def test_by_degrees_looks_at_forgotten_tasks_only():
    verdict = rules.by_degrees(FORGETS)
    assert verdict.measured == "2 of 2 forgotten: a, b"
    assert verdict.passed


def test_by_degrees_fails_when_all_is_lost_at_once_or_nothing_is():
    at_once = matrix((0,) * 4, (80, 0, 0, 0), (8, 90, 0, 0), (0, 9, 200, 0), (0, 0, 5, 70))
    assert rules.by_degrees(at_once).measured == "0 of 3 forgotten: none"
    assert not rules.by_degrees(at_once).passed
    kept = matrix((0,) * 4, *([(80, 90, 200, 70)] * 4))
    assert not rules.by_degrees(kept).passed


def test_the_loss_of_strict_splits_exactly():
    split = Split(Knowledge(80, 4), Knowledge(10, 47))
    assert (split.strict, split.known, split.unsaid) == (70, 27, 43)
    assert split.strict == split.known + split.unsaid


@pytest.mark.parametrize(
    ("known", "passed"), [(50, True), (14, True), (80, False), (10, False), (11.9, False), (12, True)]
)
def test_both_halves_need_their_share(known, passed):
    """Of 80 points lost, `known` are lost with what was known."""
    split = Split(Knowledge(80, 0), Knowledge(0, 80 - known))
    assert rules.both_halves({"a": split}).passed is passed


def test_both_halves_are_averaged_over_tasks():
    splits = {
        "a": Split(Knowledge(80, 0), Knowledge(0, 80), 80),
        "b": Split(Knowledge(60, 0), Knowledge(0, 0), 60),
    }
    assert mean_split(splits) == (70, 30, 40, 70)
    assert rules.both_halves(splits).passed


def test_both_halves_fail_where_nothing_is_lost():
    assert not rules.both_halves({}).passed
    assert not rules.both_halves({"a": Split(Knowledge(10, 0), Knowledge(20, 0))}).passed


def test_blank_image_names_the_tasks_that_need_no_picture():
    assert rules.blank_image({"a": (30, 25), "b": (35, 25)}).passed
    verdict = rules.blank_image({"a": (30, 25), "b": (35.1, 25)})
    assert not verdict.passed
    assert verdict.measured == "at most +10.1; over: b"


def test_times_do_not_count():
    assert rules.in_time("x", 59, 60, 2).passed
    assert not rules.in_time("x", 61, 60, 2).passed
    assert rules.in_time("x", None, 60, 2).word == "–"
    assert not rules.in_time("x", 61, 60, 2).counts
    assert Verdict("a", "b", "c", True).counts


def test_the_blank_picture_is_grey_and_replaces_every_other():
    image = open_picture(blank_picture())
    assert image.size == (64, 64)
    assert image.getextrema() == ((128, 128),) * 3
    prompt = Prompt("a", "t", "v0", "What?", Picture("x", b"x"), 4)
    assert blanked([prompt])[0].picture == blank_picture()
    assert blanked([prompt])[0].text == prompt.text


def test_answers_by_question_come_from_the_train_split():
    train = [Sample(str(at), "Colour?", (said,)) for at, said in enumerate(("red", "red", "blue"))]
    train += [Sample(str(at), "There?", (said,)) for at, said in enumerate(("yes", "yes", "yes", "no"), 3)]
    test = [Sample("x", "Colour?", ("blue",)), Sample("y", "There?", ("no",)), Sample("z", "New?", ("no",))]
    assert question_answers(test, train) == ["red", "yes", "yes"]


def test_scores_are_in_percent():
    task = open_library().task("mini_garments")
    samples = [Sample("a", "?", ("bag",)), Sample("b", "?", ("boot",))]
    assert mean_strict(task, samples, ["bag", "bag"]) == 50
