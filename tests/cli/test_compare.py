"""`cvit-bench compare` as a user calls it."""

import json
import re

import pytest

from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate


@pytest.fixture
def runs(toy, copy_toy):
    """The toy run, and one that lost two of three picks at its last stage and says strange things."""
    other = copy_toy("other")
    script = other / "03-count" / "scripted.json"
    content = json.loads(script.read_text())
    content["answers"] |= {"pick/pick-test-0": "\x1b[2J no", "pick/pick-test-1": "z" * 90}
    script.write_text(json.dumps(content))
    for run in (toy.run_dir, other):
        evaluate(run, EvaluateOptions(data_root=toy.data))
    return toy.run_dir, other


def test_tables(inside, runs):
    out, _ = inside("compare", *runs, "--flips", 1)
    assert "pick" in out
    assert "-50.0" in out
    assert "g = -0.50" in out
    assert "pick lost  v0/pick-test-0" in out
    assert "pick-test-1" not in out
    assert "\x1b" not in out


def test_no_flips_unless_asked_for(inside, runs):
    assert "pick-test-0" not in inside("compare", *runs)[0]


def test_json_holds_every_flip(inside, runs):
    found = json.loads(inside("compare", *runs, "--json")[0])
    assert [flip["id"] for flip in found["flips"]] == ["pick-test-0", "pick-test-1"]
    assert found["schema_version"] == 1


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("bwt=-24", 1),  # pick 75 → 25: BWT falls by 25
        ("bwt=-25", 0),
        ("bwt_tm1=-26", 0),
        ("forgetting=-24", 1),  # less is better, so a rise is for the worse
        ("forgetting=-26", 0),
        ("ap=0", 1),
        ("unseen=0", 0),
        ("unseen=1", 1),  # asked to gain a point
    ],
)
def test_a_gate_fails_when_it_got_worse_by_more(inside, runs, gate, code):
    out, _ = inside("compare", *runs, "--gate", gate, code=code)
    assert ("FAILED" if code else "passed") in out


def test_a_gate_says_how_far_it_was_and_which_way(inside, runs):
    out, _ = inside("compare", *runs, "--gate", "bwt=-2", "--gate", "unseen=0", code=1)
    worse, same = [line for line in out.splitlines() if line.startswith("gate ")]
    assert re.fullmatch(r"gate bwt_tm1: worse by [1-9]\d*\.\d points, limit -2: FAILED", worse)
    assert same == "gate unseen: better by 0.0 points, limit +0: passed"


def test_the_other_way_round_nothing_got_worse(inside, runs):
    found = json.loads(inside("compare", *reversed(runs), "--gate", "bwt=0", "--gate", "ap=0", "--json")[0])
    assert [(gate["metric"], gate["passed"]) for gate in found["gates"]] == [("bwt_tm1", True), ("ap", True)]


def test_one_failing_gate_is_enough(inside, runs):
    inside("compare", *runs, "--gate", "unseen=0", "--gate", "bwt=-2", "--json", code=1)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("bwt", "expected METRIC=POINTS"),
        ("bwt=low", "expected METRIC=POINTS"),
        ("bwt=nan", "expected METRIC=POINTS"),
        ("=-2", "expected METRIC=POINTS"),
        ("forgeting=-2", "Did you mean 'forgetting'?"),
        ("worst_wording=-2", "is undefined"),
    ],
)
def test_gates_that_make_no_sense(inside, runs, gate, message):
    _, err = inside("compare", *runs, "--gate", gate, code=2)
    assert message in err


def test_no_such_run(inside, runs):
    _, err = inside("compare", runs[0], "nowhere", code=2)
    assert "nowhere: no such file" in err


@pytest.mark.parametrize("key", ["stages", "tasks"])
def test_results_of_nothing_are_refused(inside, runs, key):
    path = runs[1] / "results.json"
    matrices = dict.fromkeys("SKF", [] if key == "stages" else [[]] * 4)
    path.write_text(json.dumps({**json.loads(path.read_text()), key: [], "matrices": matrices}))
    _, err = inside("compare", *runs, code=2)
    assert f"{path}: {key}: there is none" in err


def test_other_samples_are_refused(inside, toy, runs):
    evaluate(runs[1], EvaluateOptions(data_root=toy.data, limit=2))
    _, err = inside("compare", *runs, code=2)
    assert "did not answer the same" in err
    assert "only in" in err
