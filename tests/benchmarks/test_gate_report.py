"""The report of one seed, from the toy suite's three scripted runs."""

import json

import pytest

from benchmarks.clock import Clock
from benchmarks.gate_jobs import Figures, _kept
from benchmarks.gate_report import report
from benchmarks.gate_rules import Knowledge, Split
from benchmarks.mini_gates import _parser, _plan
from benchmarks.probing import BlankScores
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate

OUR_SPLITS = {"fruit": Split(Knowledge(100.0, 0.0), Knowledge(25.0, 60.0), 75.0)}


def replayed(toy, copy_toy, method, **changes):
    run_dir = copy_toy(method)
    path = run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "run": method, **changes}))
    return evaluate(run_dir, EvaluateOptions(data_root=toy.data))


@pytest.fixture
def found(toy, copy_toy):
    together = [{"name": "01-all", "tasks": ["fruit", "pick", "count"], "checkpoint": "03-count"}]
    lora = replayed(toy, copy_toy, "lora")
    return {
        "lora": Figures(lora, {"train": 10.0}, OUR_SPLITS, few_shot={"yesno": {0: 0.0, 5: 50.0}}),
        "per_task": Figures(replayed(toy, copy_toy, "per_task", schedule="per_task"), {}),
        "multitask": Figures(
            replayed(toy, copy_toy, "multitask", schedule="multitask", stages=together),
            {},
            blank={"fruit": BlankScores(50, 25, 25)},
        ),
    }


def lines(text, word):
    return [line.split("|")[1:-1] for line in text.splitlines() if line.startswith(f"| {word}")]


def test_every_gate_has_a_verdict_for_every_seed(found):
    text, passed = report({0: found, 1: found}, "toy", 2)
    verdicts = {row[0].strip(): row[4].strip() for row in lines(text.split("## Seed")[0], "")[1:]}
    assert list(verdicts.values()) == [
        "FAIL",  # zero-shot: the base scores 25 on one task of three and 0 on the others
        "pass",  # per-task: 100 on all
        "FAIL",  # joint: 25, 75 and 100 against 100
        "pass",  # BWT: -75 and -25
        "pass",  # by degrees: 50, then 25; 75
        "pass",  # ΔS 75 = ΔK 15 + ΔG 60
        "FAIL",  # blank image: 25 points above the constant answer
        "pass",  # 10 s of training
        "–",  # no time of evaluation
    ]
    assert not passed
    assert len(lines(text, "joint LoRA")) == 2


def test_figures_behind_the_verdicts_are_shown(found):
    text, _ = report({0: found}, "toy", 2)
    cells = [[cell.strip() for cell in row] for row in lines(text, "")]
    assert ["fruit", "25.0", "75.0", "100.0", "25.0"] in cells
    assert ["fruit", "100.0", "25.0", "100.0", "85.0", "75.0", "15.0", "60.0", "75.0"] in cells
    assert ["yesno", "50.0", "0.0"] in cells
    assert ["yesno", "5", "50.0"] in cells


def test_answers_are_kept_by_all_that_was_asked(tmp_path):
    assert _kept(tmp_path, ["a", 1], lambda: [True]) == [True]
    assert _kept(tmp_path, ["a", 1], lambda: [False]) == [True]
    assert _kept(tmp_path, ["a", 2], lambda: [False]) == [False]


def test_only_work_from_its_beginning_has_a_time(tmp_path):
    clock = Clock(tmp_path / "run.json")
    with clock("train", is_new=True):
        pass
    with clock("evaluate", is_new=False):
        pass
    with pytest.raises(RuntimeError), clock("rank", is_new=True):
        raise RuntimeError
    assert list(clock.seconds) == ["train"]
    assert Clock(tmp_path / "run.json").seconds == clock.seconds


def test_a_base_folder_is_found_from_wherever_the_run_lies(tmp_path):
    assert _plan(_parser().parse_args(["--base", str(tmp_path)])).base == str(tmp_path.resolve())
    assert _plan(_parser().parse_args(["--base", "embedded:mini"])).base == "embedded:mini"
