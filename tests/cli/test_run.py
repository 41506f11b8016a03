"""A run through the command line: tables, faults that cost only themselves, interruptions that resume."""

import json
import signal
import time

import pytest

STRICT = [[25, 0, 0, 50], [100, 25, 0, 50], [50, 100, 25, 25], [25, 75, 100, 0]]
NUM_CELLS = 16


def prediction_files(toy):
    """Return content and time of writing of every predictions file."""
    files = sorted((toy.run_dir / "predictions").glob("*/*/*.jsonl"))
    return {path.relative_to(toy.run_dir / "predictions").as_posix(): stamp(path) for path in files}


def stamp(path):
    return path.stat().st_mtime_ns, path.read_text()


def test_evaluate_prints_the_matrix_and_score_the_same_again(toy, call, inside, on_toy):
    table, err = call("evaluate", *on_toy)
    for name in ("00-base", "03-count", "fruit", "pick", "count", "yesno", "AP", "BWT"):
        assert name in table
    assert "16/16" in err
    before = prediction_files(toy)
    assert len(before) == NUM_CELLS
    again, err = call("score", *on_toy)
    assert (again, err) == (table, "")
    found, err = inside("evaluate", *on_toy, "--json")
    assert json.loads(found)["matrices"]["S"] == STRICT
    assert json.loads(found) == json.loads((toy.run_dir / "results.json").read_text())
    assert "all answered already" in err
    assert prediction_files(toy) == before


def test_a_plan_says_what_would_be_done_and_does_nothing(toy, inside, on_toy):
    before = sorted(toy.run_dir.rglob("*"))
    out, err = inside("evaluate", *on_toy, "--plan", "--variants", "all", "--limit", "2", "--cells", "final")
    assert [line.split() for line in out.splitlines()[2:6]] == [
        ["00-base", "0", "0", "0", "0", "0"],
        ["01-fruit", "0", "0", "0", "0", "0"],
        ["02-pick", "0", "0", "0", "0", "0"],
        ["03-count", "12", "24", "0", "24", "24"],
    ]
    assert err == ""
    assert sorted(toy.run_dir.rglob("*")) == before


def test_each_sample_is_asked_in_some_of_the_wordings(toy, inside, on_toy):
    words = (*on_toy, "--variants", "all", "--per-sample", "2")
    plan, _ = inside("evaluate", *words, "--plan", "--design-seed", "5")
    assert plan.splitlines()[2].split()[:3] == ["00-base", "12", "32"]
    found = json.loads(inside("evaluate", *words, "--design-seed", "5", "--json")[0])
    assert found["matrices"]["S"] == STRICT
    assert {one["per_sample"] for one in found["wordings"]} == {2}
    assert found["provenance"]["design"] == {"per_sample": 2, "variants": None, "seed": 5}
    assert json.loads(inside("score", *on_toy, "--json")[0]) == found


def test_a_run_is_measured_against_another(toy, inside, on_toy, copy_toy):
    alone = copy_toy("alone")
    manifest = json.loads((alone / "manifest.json").read_text())
    (alone / "manifest.json").write_text(json.dumps({**manifest, "run": "alone", "schedule": "per_task"}))
    inside("evaluate", "--run-dir", alone, "--data-root", toy.data)
    found = json.loads(inside("evaluate", *on_toy, "--reference", alone, "--json")[0])
    values = {one["id"]: one["value"] for one in found["metrics"]}
    assert (values["intransigence_per_task"], values["intransigence_multitask"]) == (0, None)
    again = json.loads(inside("score", *on_toy, "--reference", alone, "--json")[0])
    assert again == found
    _, err = inside("score", *on_toy, "--reference", toy.run_dir, code=2)
    assert "a run is measured against a multitask or a per_task run, this one is 'sequential'" in err


def test_a_prompt_that_fails_costs_only_itself(toy, call, inside, on_toy):
    toy.edit_script("02-pick", fails=["count/count-test-2"])
    _, err = call("evaluate", *on_toy, code=2)
    assert "02-pick/count/v0.jsonl: count-test-2: RuntimeError: scripted failure at count/count-test-2" in err
    assert "1 prompt could not be answered or ranked" in err
    files = prediction_files(toy)
    assert len(files) == NUM_CELLS
    lines = [json.loads(line) for line in files["02-pick/count/v0.jsonl"][1].splitlines()]
    answered = {line["id"]: line["text"] for line in lines if line["text"] is not None}
    assert set(answered) == {"count-test-0", "count-test-1", "count-test-3"}
    assert [line["id"] for line in lines if line["error"]] == ["count-test-2"]
    assert not (toy.run_dir / "results.json").exists()

    _, err = inside("score", *on_toy, code=2)
    assert "1 of 4 answers are missing: count-test-2" in err

    inside("evaluate", *on_toy, code=2)
    after = prediction_files(toy)
    good = [line for line in files["02-pick/count/v0.jsonl"][1].splitlines() if '"error":null' in line]
    assert [
        line for line in after["02-pick/count/v0.jsonl"][1].splitlines() if '"error":null' in line
    ] == good
    assert changed(files, after) <= {"02-pick/count/v0.jsonl"}

    toy.edit_script("02-pick", fails=[])
    inside("evaluate", *on_toy)
    mended = prediction_files(toy)
    assert {name.split("/")[0] for name in changed(files, mended)} == {"02-pick"}
    found = json.loads((toy.run_dir / "results.json").read_text())
    assert found["matrices"]["S"] == STRICT


def changed(before, after):
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def test_an_interrupted_evaluation_exits_130_and_the_same_command_completes_it(toy, start, inside, on_toy):
    toy.edit_script("00-base", delay=0.4)
    with start("evaluate", *on_toy, "--no-ranking") as process:
        wait_for(toy.run_dir / "predictions" / "00-base" / "fruit" / "v0.jsonl", process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert (out, "Traceback" in err) == ("", False)
    assert "interrupted; the same command resumes" in err
    done = prediction_files(toy)
    assert 1 <= len(done) < NUM_CELLS
    assert not list(toy.run_dir.rglob("*.part"))
    assert not (toy.run_dir / "results.json").exists()

    inside("evaluate", *on_toy, "--no-ranking")
    after = prediction_files(toy)
    assert len(after) == NUM_CELLS
    assert {name: after[name] for name in done} == done
    found = json.loads((toy.run_dir / "results.json").read_text())
    assert found["matrices"]["S"] == STRICT


def wait_for(path, process, seconds=30.0):
    """Wait until a file holds something while the process runs."""
    end = time.monotonic() + seconds
    while not (path.is_file() and path.stat().st_size):
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"{path} was not written: {process.communicate(timeout=5)}")
        time.sleep(0.02)


def test_a_part_of_a_suite_is_trained_and_asked_on_what_was_held_out(toy, inside, tmp_path):
    run_dir = tmp_path / "runs" / "part"
    where = ("--run-dir", run_dir, "--data-root", toy.data)
    words = ("train", "--method", "zero_shot", "--suite", toy.suite, "--holdout", 0.75, "--stages", 2)
    inside(*words, "--title", "Nothing at all", *where)
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert (manifest["title"], manifest["config"]["holdout"], manifest["config"]["stages"]) == (
        "Nothing at all", 0.75, 2
    )  # fmt: skip
    table, _ = inside("evaluate", *where, "--split", "val")
    assert table.startswith("Nothing at all on toy (version 1, val split)\n")
    found = json.loads((run_dir / "results-val.json").read_text())
    assert ([task["name"] for task in found["tasks"]], found["split"]) == (["fruit", "pick"], "val")
    assert inside("score", *where, "--split", "val")[0] == table
    assert not (run_dir / "predictions").exists()
    _, err = inside("leaderboard", "--add", run_dir, code=2)
    assert f"{run_dir}/results-val.json: split: val: " in err


def test_a_method_without_training_makes_a_run_of_the_base_alone(toy, inside, tmp_path):
    run_dir = tmp_path / "runs" / "zero_shot"
    where = ("--run-dir", run_dir, "--data-root", toy.data)
    out, _ = inside("train", "--method", "zero_shot", "--suite", toy.suite, *where)
    assert out == f"{run_dir / 'manifest.json'}: 0 stages\n"
    found = json.loads(inside("evaluate", *where, "--json")[0])
    assert found["matrices"]["S"] == STRICT[:1]
    assert found["run"] == "zero_shot"
