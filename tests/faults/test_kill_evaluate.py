"""SIGKILL while a run is evaluated: nothing finished is lost, the end is the same to the byte."""

import random
import subprocess

import pytest


def _slow_down(toy) -> None:
    for stage in ("00-base", "01-fruit", "02-pick", "03-count"):
        toy.edit_script(stage, delay=0.06)


@pytest.mark.parametrize("seed", [0, 1])
def test_two_kills_give_the_bytes_of_an_undisturbed_run(
    toy, copy_toy, command, kill_midway, bytes_under, seed
):
    generator = random.Random(seed)
    _slow_down(toy)
    calm = copy_toy("calm")
    disturbed = copy_toy("disturbed")

    def words(run_dir):
        return ["evaluate", "--run-dir", run_dir, "--data-root", toy.data, "--batch-size", 1]

    for _ in range(2):
        kill_midway(words(disturbed), lambda: bytes_under(disturbed / "predictions"), generator)
        assert not (disturbed / "results.json").exists()
    for run_dir in (calm, disturbed):
        done = subprocess.run(command(*words(run_dir)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (disturbed / "results.json").read_bytes() == (calm / "results.json").read_bytes()


def test_answers_written_before_a_kill_are_kept_as_they_are(toy, command, kill_midway, bytes_under):
    _slow_down(toy)
    words = ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data, "--batch-size", 1, "--no-ranking"]
    folder = toy.run_dir / "predictions"
    kill_midway(words, lambda: bytes_under(folder), random.Random(7))
    kept = {
        path: [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        for path in folder.rglob("*.jsonl")
    }
    assert sum(len(lines) for lines in kept.values()) > 0
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path, lines in kept.items():
        assert path.read_bytes().startswith(b"".join(lines))


def test_a_ranking_cut_at_any_byte_costs_only_that_ranking(toy, command):
    words = ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data]
    subprocess.run(command(*words, "--no-ranking"), check=True, capture_output=True)
    path = toy.run_dir / "predictions" / "02-pick" / "pick" / "v0.jsonl"
    answers = path.read_bytes()
    subprocess.run(command(*words), check=True, capture_output=True)
    whole, lines = (toy.run_dir / "results.json").read_bytes(), path.read_bytes()
    for cut in (1, len(lines) // 2 + 7, len(lines) - 1):
        path.write_bytes(answers + lines[:cut])
        done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (toy.run_dir / "results.json").read_bytes() == whole
        assert path.read_bytes() == lines


def test_a_line_cut_at_any_byte_costs_only_that_answer(toy, command):
    words = ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data]
    subprocess.run(command(*words), check=True, capture_output=True)
    whole = (toy.run_dir / "results.json").read_bytes()
    path = toy.run_dir / "predictions" / "02-pick" / "pick" / "v0.jsonl"
    lines = path.read_bytes()
    for cut in (1, len(lines) // 2 + 7, len(lines) - 1):
        path.write_bytes(lines[:cut])
        done = subprocess.run(command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"{path}:" in done.stderr
        assert "cut short" in done.stderr
        assert (toy.run_dir / "results.json").read_bytes() == whole


def test_score_names_the_cut_line_and_what_completes_the_run(toy, command):
    subprocess.run(
        command("evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data),
        check=True,
        capture_output=True,
    )
    path = toy.run_dir / "predictions" / "02-pick" / "pick" / "v0.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    done = subprocess.run(
        command("score", "--run-dir", toy.run_dir, "--data-root", toy.data),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{path}:4: the last line is cut short" in done.stderr
    assert "cvit-bench evaluate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_smaller_limit_keeps_the_other_answers(toy, command):
    words = ["evaluate", "--run-dir", toy.run_dir, "--data-root", toy.data]
    subprocess.run(command(*words), check=True, capture_output=True)
    before = {path: path.read_bytes() for path in (toy.run_dir / "predictions").rglob("*.jsonl")}
    subprocess.run(command(*words, "--limit", 2), check=True, capture_output=True)
    assert {path: path.read_bytes() for path in before} == before
