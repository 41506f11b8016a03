"""Batches grow while that is faster and fits, are halved where it does not fit, and change no answer."""

import json
import threading
from contextlib import suppress

import pytest
import yaml

from cvit_bench.evaluate.batch_size import FIRST, MOST, BatchSize
from cvit_bench.evaluate.pacing import Pacer
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.families.scripted import Script, ScriptedModel
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.pace import pace_of, pace_path

NUM = 200


def grown(seconds_of, task_every=1000, batches=60):
    """Return the sizes that batches are cut to, where a batch of `size` takes `seconds_of(size)`."""
    size, found = BatchSize("auto"), []
    for number in range(batches):
        if number % task_every == 0:
            size.begin()
        found.append(size.now)
        size.took(size.now, seconds_of(size.now))
    return found


def test_a_number_stays():
    size = BatchSize(3)
    for _ in range(20):
        size.took(3, 1.0)
    assert (size.now, size.used()) == (3, (3,))


def test_it_doubles_while_more_at_a_time_is_faster_and_never_ends_above_the_most():
    found = grown(lambda size: 1.0)
    assert found[:9] == [8] * 3 + [16] * 3 + [32] * 3
    assert max(found) == found[-1] == MOST


def test_it_settles_on_the_size_from_which_on_nothing_is_gained():
    found = grown(lambda size: max(1.0, size / 32))
    assert max(found) == 64
    assert found[-1] == 32
    assert found.count(64) == 3


def test_the_first_batch_of_a_size_warms_up_and_is_not_timed():
    met = set()

    def seconds(size):
        first = size not in met
        met.add(size)
        return 1000.0 if first else 1.0

    assert grown(seconds)[-1] == MOST


def test_times_of_another_task_are_not_compared():
    """Each task is slower than the one before: compared with one another they would end the growth."""
    speed = iter(range(1, 1000))
    size = BatchSize("auto")
    for _ in range(4):
        size.begin()
        slowness = next(speed) * 10.0
        for _ in range(3):
            size.took(size.now, slowness)
    assert size.now == FIRST * 2**4


def test_batches_much_smaller_than_the_size_say_nothing():
    size = BatchSize("auto")
    for _ in range(20):
        size.took(FIRST // 2, 1.0)
    assert size.now == FIRST


@pytest.mark.parametrize("asked", ["auto", 64])
def test_what_did_not_fit_halves_it_for_good(asked):
    size = BatchSize(asked)
    size.too_many(7)
    size.too_many(1)
    assert size.now == 1
    for _ in range(20):
        size.took(1, 1.0)
    assert size.now == 1
    assert size.used()[:2] == (1, 3)
    assert size.used() == (1,)


@pytest.fixture
def long_toy(toy):
    """The toy run with many samples of one task."""
    path = toy.data / "fruit" / "test.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    rows = [{**row, "id": f"fruit-test-{at}", "question": f"What is number {at}?"} for at in range(NUM)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = yaml.safe_load((toy.root / "tasks" / "suites" / "toy.yaml").read_text())
    toy.edit("tasks/suites/toy.yaml", **{**suite, "train": ["fruit"], "unseen": []})
    manifest = json.loads((toy.run_dir / "manifest.json").read_text())
    (toy.run_dir / "manifest.json").write_text(json.dumps({**manifest, "stages": manifest["stages"][:1]}))
    for stage in ("00-base", "01-fruit"):
        toy.edit_script(stage, delay=0.005)
    return toy


def told(run_dir):
    files = sorted((run_dir / "predictions").rglob("*.jsonl"))
    return [{line["id"]: line for line in map(json.loads, path.read_text().splitlines())} for path in files]


@pytest.mark.parametrize("ranking", [True, False])
def test_answers_and_keys_are_those_of_any_other_size_and_the_sizes_are_on_record(
    long_toy, copy_toy, ranking
):
    for stage in ("00-base", "01-fruit"):
        long_toy.edit_script(stage, room=20)
    other = copy_toy("other")
    options = EvaluateOptions(data_root=long_toy.data, variants=2, batch_size="auto", ranking=ranking)
    found = evaluate(long_toy.run_dir, options)
    assert (found.provenance["batch_size"], found.provenance["batch_sizes"]) == ("auto", [8, 16, 32])
    plain = evaluate(
        other, EvaluateOptions(data_root=long_toy.data, variants=2, batch_size=5, ranking=ranking)
    )
    assert plain.provenance["batch_size"] == 5
    assert "batch_sizes" not in plain.provenance
    assert told(long_toy.run_dir) == told(other)
    assert found.matrices == plain.matrices
    again = evaluate(long_toy.run_dir, options)
    assert again == found


def test_out_of_memory_halves_a_fixed_size_once_and_says_so(long_toy, capsys):
    for stage in ("00-base", "01-fruit"):
        long_toy.edit_script(stage, room=20)
    options = EvaluateOptions(data_root=long_toy.data, batch_size=32, ranking=False)
    found = evaluate(long_toy.run_dir, options)
    assert capsys.readouterr().err.count("out of memory with a batch of 32: halved") <= 2
    assert (found.provenance["batch_size"], found.provenance["batch_sizes"]) == (32, [16, 32])
    assert all(len(rows) == NUM for rows in told(long_toy.run_dir))
    assert {row["error"] for rows in told(long_toy.run_dir) for row in rows.values()} == {None}


def test_the_pace_of_every_stage_is_kept(long_toy, inside):
    inside("evaluate", "--run-dir", long_toy.run_dir, "--data-root", long_toy.data, "--device", "cpu")
    stored = json.loads(pace_path(long_toy.run_dir).read_text())
    pace = pace_of(long_toy.run_dir, SplitChoice.TEST, stored["placement"])
    assert {name: stage.samples for name, stage in pace.stages.items()} == {"00-base": NUM, "01-fruit": NUM}
    assert all(0 < stage.seconds < 60 for stage in pace.stages.values())
    assert pace.batch_sizes == (64,)
    long_toy.edit_script("01-fruit", default="other")
    words = ("evaluate", "--run-dir", long_toy.run_dir, "--data-root", long_toy.data, "--device", "cpu")
    out, _ = inside(*words, "--plan")
    assert (
        f"about {NUM / pace.rate:,.0f} s at {pace.rate:,.1f} samples/s, as measured at 00-base, 01-fruit"
        in out
    )


def test_threads_share_a_pacer_and_what_fails_is_kept_too(tmp_path):
    pacer, model, size = Pacer(tmp_path, SplitChoice.TEST, {}), ScriptedModel(Script()), BatchSize(2)

    def work(number):
        with suppress(ValueError), pacer.metered("01-x", "x", 5, model, size) as meter:
            meter.advance(number)
            raise ValueError("broken")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pace_of(tmp_path, SplitChoice.TEST, {}).stages["01-x"].samples == 10
