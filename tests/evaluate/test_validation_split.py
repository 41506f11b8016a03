"""Samples that training left out are asked apart from the test split, and never ranked."""

import json
from pathlib import Path

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import CellChoice, SplitChoice, TaskChoice
from cvit_bench.report.adding import add_entry

SHARE = 0.75
"""With it every toy task has samples on both sides."""
STAGES = ("01-fruit", "02-pick", "03-count")


@pytest.fixture
def held(toy):
    """Return the toy run, trained without a share of the samples."""
    return configured(toy, holdout=SHARE)


def configured(toy, **config):
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "config": config}))
    return toy


def shortened(toy, **config):
    """Cut the toy run down to its first two stages."""
    configured(toy, stages=2, **config)
    path = toy.run_dir / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "stages": manifest["stages"][:2]}))
    return toy


def asked(toy, split=SplitChoice.VAL, **more):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, split=split, **more))


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ids(folder: Path) -> set[str]:
    lines = [line for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return {json.loads(line)["id"] for line in lines}


def test_validation_and_test_are_asked_apart_in_either_order(held):
    asked(held, SplitChoice.TEST)
    before = files(held.run_dir)
    results = asked(held)
    assert {path: held_bytes for path, held_bytes in files(held.run_dir).items() if path in before} == before
    new = {path.relative_to(held.run_dir).parts[0] for path in files(held.run_dir).keys() - before.keys()}
    assert new == {"items-val", "pace-val.json", "predictions-val", "results-val.json", "scores-val"}
    assert (results.split, results.shortened) == (SplitChoice.VAL, False)
    after = files(held.run_dir)
    asked(held, SplitChoice.TEST)
    assert files(held.run_dir) == after


def test_what_is_asked_is_what_was_held_out(held):
    asked(held)
    assert {name.rsplit("-", 1)[0] for name in ids(held.run_dir / "predictions-val")} == {
        "fruit-train", "pick-train", "count-train"
    }  # fmt: skip
    assert len(ids(held.run_dir / "predictions-val" / "00-base" / "fruit")) == 2
    assert len(ids(held.run_dir / "predictions-val" / "00-base" / "pick")) == 3


def test_a_second_call_answers_nothing_anew(held, capsys):
    asked(held)
    before = files(held.run_dir)
    capsys.readouterr()
    asked(held)
    assert "all answered already" in capsys.readouterr().err
    assert files(held.run_dir) == before


def test_scoring_again_takes_the_split_that_is_named(held):
    found = asked(held)
    assert rescore(held.run_dir, held.data, SplitChoice.VAL) == found
    with pytest.raises(CvitBenchError, match=r"predictions/plan\.json: no such file"):
        rescore(held.run_dir, held.data)


def test_unseen_tasks_are_asked_only_when_told_so(held):
    assert [task.name for task in asked(held).tasks] == ["fruit", "pick", "count"]
    told = asked(held, tasks=TaskChoice.ALL)
    assert [task.name for task in told.tasks] == ["fruit", "pick", "count", "yesno"]


@pytest.mark.parametrize("config", [{}, {"holdout": 0}, {"holdout": 0.0}])
def test_a_run_that_held_nothing_out_is_refused(toy, config):
    configured(toy, **config)
    with pytest.raises(CvitBenchError) as caught:
        asked(toy)
    assert str(caught.value) == (
        f"{toy.run_dir}/manifest.json: config.holdout: the run was trained on every train sample, and no val "
        "split is there for fruit, pick, count; train with --holdout 0.2 to have one"
    )
    assert not (toy.run_dir / "predictions-val").exists()


def test_val_files_of_their_own_need_no_holdout(toy):
    for task in ("fruit", "pick", "count"):
        splits = {"train": f"{task}/train.jsonl", "val": f"{task}/train.jsonl", "test": f"{task}/test.jsonl"}
        toy.edit(f"tasks/{task}.yaml", splits={name: {"file": file} for name, file in splits.items()})
    assert [task.n for task in asked(toy).tasks] == [4, 4, 4]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"holdout": 1}, "config.holdout: expected a share from 0 to below 1, got 1"),
        ({"holdout": "0.2"}, "config.holdout: expected a share from 0 to below 1, got '0.2'"),
        ({"stages": 0}, "config.stages: expected a number of tasks from 1 on, got 0"),
        ({"stages": "two"}, "config.stages: expected a number of tasks from 1 on, got 'two'"),
    ],
)
def test_a_manifest_that_names_no_such_part_is_refused(toy, config, said):
    configured(toy, **config)
    with pytest.raises(CvitBenchError, match=r"manifest\.json: ") as caught:
        asked(toy)
    assert said in str(caught.value)


def test_a_shortened_run_is_asked_what_it_learned(toy):
    shortened(toy)
    results = asked(toy, SplitChoice.TEST)
    assert results.shortened
    assert results.matrices.S == ((25, 0), (100, 25), (50, 100))
    assert results.metric("ap").value == 75
    assert results.metric("bwt_tm1").value == -50
    assert results.metric("unseen").value is None


def test_a_shortened_run_is_asked_about_all_tasks_when_told_so(toy):
    shortened(toy)
    results = asked(toy, SplitChoice.TEST, tasks=TaskChoice.ALL, cells=CellChoice.FINAL)
    assert results.shortened
    assert results.matrices.S[-1] == (50, 100, 25, 25)


def test_neither_validation_results_nor_shortened_runs_join_a_leaderboard(toy, tmp_path):
    configured(toy, holdout=SHARE)
    asked(toy)
    with pytest.raises(CvitBenchError, match=r"results-val\.json: split: val: settings are chosen by it, "):
        add_entry(toy.run_dir, tmp_path)
    (toy.run_dir / "results-val.json").rename(toy.run_dir / "results.json")
    with pytest.raises(CvitBenchError, match=r"results\.json: split: val: settings are chosen by it, "):
        add_entry(toy.run_dir, tmp_path)
    asked(shortened(toy), SplitChoice.TEST)
    with pytest.raises(CvitBenchError, match=r"results\.json: shortened: the run learned the first tasks"):
        add_entry(toy.run_dir, tmp_path)
    assert list(tmp_path.glob("*/entries")) == []


def test_with_test_results_beside_them_validation_results_are_no_hindrance(held, tmp_path):
    asked(held)
    asked(held, SplitChoice.TEST)
    assert add_entry(held.run_dir, tmp_path).exists()
