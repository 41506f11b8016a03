"""Filling a leaderboard: what is run in which order, what is chosen by, and that nothing is run twice."""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.board_choice import Grid, Point, grid, score_of
from benchmarks.board_jobs import (
    CHOICE_SEED,
    Job,
    Plan,
    Settled,
    all_jobs,
    evaluate_words,
    needs,
    run_dir,
    train_words,
)
from benchmarks.board_run import Outcome, carry_out, discard_former, kept, order
from benchmarks.board_state import State
from benchmarks.board_table import TABLE, Contender, check_installed, load_table
from benchmarks.job_order import work_off
from benchmarks.mini_leaderboard import main
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.entry import Entry
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.method import method_files

CONTENDERS = {
    "zero_shot": Contender(method="zero_shot"),
    "lora": Contender(method="lora"),
    "smolora": Contender(method="smolora", router_seeds=True),
    "some": Contender(
        method="branchlora",
        title="Some",
        settings={"adapter.router_input": "mean"},
        strength={"key": "adapter.frozen_penalty", "values": (0.1, 0.2)},
    ),
}


def plan(tmp_path, **changes):
    fields = {
        "contenders": CONTENDERS, "rates": (0.001, 0.002), "suites": ("mini", "mini-coin"), "seeds": (0, 1),
        "router_seeds": (0, 1), "out": tmp_path,
    }  # fmt: skip
    return Plan(**(fields | changes))


def test_the_table_names_what_is_installed_and_takes_its_settings():
    table = load_table(TABLE, None)
    there = {name: one for name, one in table.contenders.items() if one.method in method_files()}
    there = {name: one for name, one in there.items() if not one.hooks}
    assert {"zero_shot", "lora", "per_task", "multitask", "smolora", "branchlora"} <= set(there)
    check_installed(there, ["mini", "mini-multi", "mini-coin"])


def test_what_is_not_installed_is_named_with_what_is():
    with pytest.raises(
        CvitBenchError, match=r"^methods that are not installed: nosuch, other \(known: branchlo"
    ):
        check_installed({"a": Contender(method="other"), "b": Contender(method="nosuch")}, ["mini"])
    with pytest.raises(CvitBenchError, match=r"^hooks that are not installed: nosuch "):
        check_installed({"a": Contender(method="lora", hooks=("nosuch",))}, ["mini"])


def test_a_setting_that_a_method_does_not_take_is_found_before_anything_runs():
    with pytest.raises(CvitBenchError, match=r"--set adapter: router_input: unknown key"):
        check_installed({"a": Contender(method="lora", settings={"adapter.router_input": "mean"})}, ["mini"])


def test_contenders_are_chosen_by_name_in_that_order():
    assert list(load_table(TABLE, ["smolora", "lora"]).contenders) == ["smolora", "lora"]
    with pytest.raises(CvitBenchError, match=r"--methods lorra: unknown contender .* Did you mean 'lora'"):
        load_table(TABLE, ["lorra"])


def test_every_grid_has_the_same_size(tmp_path):
    path = tmp_path / "table.yaml"
    some = {"method": "lora", "strength": {"key": "training.clip", "values": [1, 2, 3]}}
    path.write_text(yaml.safe_dump({"rates": [0.1, 0.2], "contenders": {"some": some}}))
    with pytest.raises(
        CvitBenchError, match=r"contenders\.some\.strength\.values: 3 values, but rates has 2"
    ):
        load_table(path, None)


def test_the_first_seed_of_all_comes_first_and_grids_before_what_needs_them(tmp_path):
    asked = plan(tmp_path)
    jobs = all_jobs(asked)
    names = [job.name for job in jobs if job.suite == "mini"]
    assert names == [
        "zero_shot", "lora-rate-0.001", "lora-rate-0.002", "lora-0", "smolora-rate-0.001",
        "smolora-rate-0.002", "smolora-0", "some-rate-0.001", "some-rate-0.002", "some-strength-0.1",
        "some-strength-0.2", "some-0", "lora-1", "smolora-1", "some-1", "smolora-0-r1",
    ]  # fmt: skip
    assert [job.suite for job in jobs] == ["mini"] * len(names) + ["mini-coin"] * len(names)
    by_name = {job.name: job for job in jobs if job.suite == "mini"}
    assert needs(asked, by_name["zero_shot"], jobs) == set()
    assert {job.name for job in needs(asked, by_name["some-strength-0.1"], jobs)} == {
        "some-rate-0.001", "some-rate-0.002"
    }  # fmt: skip
    assert {job.kind for job in needs(asked, by_name["some-1"], jobs)} == {"rate", "strength"}
    assert all(job.suite == "mini" for job in needs(asked, by_name["some-1"], jobs))


def test_a_suite_may_take_over_what_was_chosen_on_another(tmp_path):
    asked = plan(tmp_path, chosen_on={"mini-coin": "mini"}, suites=("mini-coin",))
    jobs = all_jobs(asked)
    assert {job.suite for job in jobs if job.kind != "run"} == {"mini"}
    assert {job.suite for job in jobs if job.kind == "run"} == {"mini-coin"}
    run = next(job for job in jobs if job.name == "some-1")
    assert {job.name for job in needs(asked, run, jobs)} == {
        "some-rate-0.001", "some-rate-0.002", "some-strength-0.1", "some-strength-0.2"
    }  # fmt: skip
    both = all_jobs(plan(tmp_path, chosen_on={"mini-coin": "mini"}))
    assert len(both) == len(set(both))
    assert not [job for job in both if job.suite == "mini-coin" and job.kind != "run"]


def test_the_first_seed_alone_tunes_on_few_shots(tmp_path):
    asked, settled = plan(tmp_path), Settled(rate=0.004)
    words = [train_words(asked, Job("mini", "lora", "run", seed=seed), settled) for seed in (0, 1)]
    assert ["--no-few-shot" in found for found in words] == [False, True]


def test_settings_are_chosen_without_test_samples_and_leaderboard_seeds(tmp_path):
    point = Job("mini", "some", "strength", 0.2)
    train = train_words(plan(tmp_path), point, Settled(rate=0.002))
    assert train == [
        "train", "--method", "branchlora", "--suite", "mini", "--device", "cpu", "--seed", str(CHOICE_SEED),
        "--title", "Some", "--set", "adapter.router_input=mean", "--set", "training.learning_rate=0.002",
        "--set", "adapter.frozen_penalty=0.2", "--holdout", "0.2", "--stages", "2",
    ]  # fmt: skip
    assert evaluate_words(plan(tmp_path), point)[-4:] == ["--split", "val", "--cells", "final"]
    assert run_dir(plan(tmp_path), point) == tmp_path / "mini" / "grid" / "some-strength-0.2"


def test_a_run_that_counts_has_the_chosen_settings_and_its_seeds(tmp_path):
    job = Job("mini", "smolora", "run", seed=0, router_seed=1)
    words = train_words(plan(tmp_path, limit=3), job, Settled(rate=0.004))
    assert words[-5:] == [
        "--set", "training.learning_rate=0.004", "--set", "adapter.router_seed=1", "--no-few-shot"
    ]  # fmt: skip
    assert "--holdout" not in words
    assert "--stages" not in words
    usual = ["evaluate", "--device", "cpu", "--limit", "3"]
    first = replace(job, router_seed=0)
    assert evaluate_words(plan(tmp_path, limit=3, cells=CellChoice.LOWER), first) == usual
    assert evaluate_words(plan(tmp_path, limit=3), job) == usual
    lower = evaluate_words(plan(tmp_path, limit=3, cells=CellChoice.LOWER), job)
    assert lower == [*usual[:3], "--cells", "lower", *usual[3:]]
    assert run_dir(plan(tmp_path), job) == tmp_path / "mini" / "smolora-0-r1"


def test_jobs_start_in_order_once_what_they_need_is_done():
    needed = {"a": (), "b": ("a",), "c": (), "d": ("b", "c"), "e": ()}
    started = []
    with ThreadPoolExecutor(2) as pool:

        def start(name):
            started.append(name)
            return pool.submit(str.upper, name)

        ended = [(name, future.result()) for name, future in work_off(list("abcde"), needed.get, start, 1)]
    assert started == ["a", "b", "c", "d", "e"]
    assert ended == [(name, name.upper()) for name in started]


def test_a_job_that_failed_is_done_and_others_go_on():
    def start(name):
        future = Future()
        if name == "a":
            future.set_exception(CvitBenchError("no"))
        else:
            future.set_result(name)
        return future

    ended = dict(work_off(["a", "b"], {"a": (), "b": ("a",)}.get, start, 2))
    assert str(ended["a"].exception()) == "no"
    assert ended["b"].result() == "b"


def test_jobs_that_wait_for_each_other_are_refused():
    with pytest.raises(ValueError, match="wait for each other"):
        list(work_off(["a"], {"a": ("b",)}.get, lambda name: Future(), 2))


def test_the_best_is_the_highest_and_of_equals_the_smallest():
    points = (Point(0.1, 50.0), Point(0.2, 70.0), Point(0.3, 70.0), Point(0.4, None, "the loss became nan"))
    assert (Grid(points).best.value, Grid(points).at_edge) == (0.2, False)
    assert Grid(points[2:]).at_edge
    with pytest.raises(CvitBenchError, match=r"0\.4: the loss became nan"):
        _ = Grid(points[3:]).best


def test_settings_are_chosen_by_the_last_stage_or_each_tasks_own(toy):
    results = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    assert score_of(results) == (25 + 75 + 100 + 0) / 4
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": "per_task"}))
    alone = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    assert score_of(alone) == 100
    assert grid({0.1: results, 0.2: alone, 0.3: "no"}).best.value == 0.2


def test_nothing_is_chosen_from_a_grid_with_a_gap(tmp_path):
    given = plan(tmp_path)
    state = State(given, all_jobs(given))
    point, run = Job("mini", "lora", "rate", 0.001), Job("mini", "lora", "run", seed=0)
    failed = Future()
    failed.set_exception(CvitBenchError("disk is full"))
    state.take(point, failed)
    with pytest.raises(
        CvitBenchError, match=r"^nothing can be chosen without lora-rate-0\.001: disk is full"
    ):
        state.settled(run)
    assert state.settled(point) == Settled()
    assert point not in state.waiting


@pytest.fixture
def words(toy, tmp_path):
    """Return the words that fill a leaderboard of the toy suite with the untouched base."""
    return [
        "--suites", toy.suite, "--methods", "zero_shot", "--data-root", str(toy.data), "--out",
        str(tmp_path / "out"), "--leaderboards", str(tmp_path / "boards"), "--processes", "1",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_leaderboard_is_filled_and_nothing_is_run_twice(words, tmp_path, capsys):
    assert main(words) == 0
    text = capsys.readouterr().out
    entry = load_json(tmp_path / "boards" / "toy" / "entries" / "zero_shot.json", Entry)
    assert entry.matrices.S == ((25, 0, 0, 50),)
    assert (tmp_path / "boards" / "toy" / "index.html").exists()
    assert "| Zero-shot | 8.3 " in text
    assert (tmp_path / "out" / "report.md").read_text() == text
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    (run,) = next(iter(data["suites"].values()))["zero_shot"]["runs"]
    assert run["commands"][0].startswith("cvit-bench train --method zero_shot --suite ")
    assert (run["matrices"]["S"], run["weights"], data["failed"]) == ([[25, 0, 0, 50]], 0, [])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "toy").rglob("*")}
    assert main(words) == 0
    assert capsys.readouterr().out == text
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "toy").rglob("*")} == before


@pytest.mark.slow
def test_other_runs_stay_unless_they_are_to_be_replaced(words, tmp_path, capsys):
    assert main(words) == 0
    folder = tmp_path / "boards" / "toy" / "entries"
    other = folder / "mine.json"
    other.write_text(json.dumps({**json.loads((folder / "zero_shot.json").read_text()), "name": "mine"}))
    assert main(words) == 0
    assert "mine.json: was there before and stays" in capsys.readouterr().err
    assert main([*words, "--replace"]) == 0
    assert [path.name for path in folder.iterdir()] == ["zero_shot.json"]


def test_a_run_whose_results_changed_is_opened_again(toy, tmp_path):
    given = plan(tmp_path, contenders={"zero_shot": CONTENDERS["zero_shot"]}, suites=(toy.suite,),
                 data_root=toy.data)  # fmt: skip
    wanted = order(given, all_jobs(given)[0], Settled())
    assert kept(wanted) is None
    outcome = carry_out(wanted)
    assert kept(wanted) == outcome
    assert kept(order(plan(tmp_path, **{**vars(given), "limit": 2}), all_jobs(given)[0], Settled())) is None
    whole = wanted.results.read_bytes()
    wanted.results.write_bytes(whole + b"\n")
    assert kept(wanted) is None
    assert carry_out(wanted).results == outcome.results
    assert wanted.results.read_bytes() == whole


@pytest.mark.slow
def test_a_run_of_settings_that_are_no_longer_chosen_is_trained_anew(tmp_path, capsys):
    job = Job("mini", "lora", "run", seed=0)
    former, again, other = (
        order(plan(tmp_path, out=out), job, Settled(rate=rate))
        for out, rate in ((tmp_path, 0.001), (tmp_path / "x" / "..", 0.001), (tmp_path, 0.002))
    )
    (former.run_dir / "stages").mkdir(parents=True)
    (tmp_path / "x").mkdir()
    save_json(former.kept, Outcome(key="0" * 64, commands=(former.train, former.evaluate)))
    discard_former(again)
    assert former.run_dir.exists()
    assert former.kept.exists()
    discard_former(other)
    assert not former.run_dir.exists()
    assert not former.kept.exists()
    assert "training.learning_rate=0.001" in capsys.readouterr().err
    discard_former(other)


def test_what_cannot_be_run_is_a_failure_that_is_shown(words, toy, tmp_path, capsys):
    (toy.data / "fruit" / "test.jsonl").unlink()
    assert main(words) == 1
    out, _ = capsys.readouterr()
    assert "## Failed" in out
    assert "fruit/test.jsonl: no such file" in out
    assert not (tmp_path / "boards").exists()


def test_only_reporting_runs_nothing(words, tmp_path, capsys):
    assert main([*words, "--report-only"]) == 0
    assert "1 of 1 runs are not done yet." in capsys.readouterr().out
    assert not (tmp_path / "out" / "toy").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seeds", "0", "100"], "--seeds 100: settings are chosen with this seed"),
        (["--methods", "zero"], "--methods zero: unknown contender 'zero' (known: "),
        (["--suites", "minni"], "unknown suite 'minni' (known: "),
    ],
)
def test_a_wrong_word_is_named_and_nothing_runs(words, more, said, tmp_path, capsys):
    assert main([*words, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert not (tmp_path / "out").exists()


@pytest.mark.proof
@pytest.mark.slow
def test_a_rate_is_chosen_and_a_run_trained_with_it(tmp_path, capsys):
    words = [
        "--suites",
        "mini",
        "--methods",
        "lora",
        "--rates",
        "1e-3",
        "1e30",
        "--seeds",
        "0",
        "--limit",
        "4",
    ]
    words += [
        "--set",
        "training.steps=2",
        "training.batch_size=2",
        "--out",
        str(tmp_path),
        "--processes",
        "1",
    ]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "1e+30: diverged" in text
    assert "0.001*" in text
    data = json.loads((tmp_path / "report.json").read_text())
    found = data["suites"]["mini"]["lora"]
    assert found["chosen"] == {"rate": 0.001}
    assert found["runs"][0]["weights"] == 516096
    assert found["runs"][0]["train_seconds"] > 0
    assert "training.learning_rate=0.001" in found["runs"][0]["commands"][0]
    assert Path(tmp_path / "leaderboards" / "mini" / "entries" / "lora-0.json").exists()
