"""Inputs made ahead: in one thread, two batches at most, what is wrong said of the sample that is asked."""

import io
import threading
from dataclasses import replace

import pytest
from PIL import Image

from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.cells import CellWork, missing_in
from cvit_bench.evaluate.generate import fill_cells
from cvit_bench.evaluate.lookahead import one_ahead
from cvit_bench.models.ahead import Ahead, key_of
from cvit_bench.models.family import Checkpoint, Placement, open_replay
from cvit_bench.progress import Meter
from cvit_bench.records.files import sha256_json
from cvit_bench.records.prediction import read_predictions
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import embedded_base

COLOURS = ("red", "green", "blue", "white", "black")


def picture(colour):
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(stream, "PNG")
    return Picture(f"{colour}.png", stream.getvalue())


@pytest.fixture
def asked():
    return [Prompt(name, "toy", "v0", f"Is it {name}?", picture(name), 4) for name in COLOURS]


def keys_of(prompts):
    return tuple(map(key_of, prompts))


def test_each_item_is_told_of_while_the_one_ahead_of_it_is_at_work():
    heard = []
    seen = [(item, list(heard)) for item in one_ahead("abc", heard.append)]
    assert seen == [("a", ["a", "b"]), ("b", ["a", "b", "c"]), ("c", ["a", "b", "c"])]
    assert list(one_ahead([], heard.append)) == []


def test_what_was_begun_is_made_without_being_asked_for_and_in_one_thread_only(asked):
    threads, made = set(), threading.Event()

    def make(prompts):
        threads.add(threading.get_ident())
        made.set()
        return [{"input_ids": [len(prompt.text)]} for prompt in prompts], {}

    ahead = Ahead(make)
    ahead.begin(keys_of(asked[:2]), asked[:2])
    assert made.wait(timeout=60)
    made.clear()
    found = ahead.take(keys_of(asked[:2]), asked[:2])
    assert not made.is_set()
    assert (found.keys, found.rows) == (keys_of(asked[:2]), [{"input_ids": [10]}, {"input_ids": [12]}])
    ahead.take(keys_of(asked[2:]), asked[2:])
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_two_batches_are_kept_and_no_more(asked):
    made = []

    def make(prompts):
        made.append(prompts[0].text)
        return [{"input_ids": []}], {}

    ahead = Ahead(make)
    for prompt in asked:
        ahead.begin(keys_of([prompt]), [prompt])
        ahead.take(keys_of([prompt]), [prompt])
    assert len(ahead._coming) == 2
    for prompt in asked[-2:]:
        ahead.take(keys_of([prompt]), [prompt])
    assert len(made) == len(asked)
    ahead.take(keys_of(asked[:1]), asked[:1])
    assert len(made) == len(asked) + 1


def test_waiting_is_counted_and_shown(asked):
    gate = threading.Event()

    def make(prompts):
        gate.wait(timeout=60)
        return [], {}

    ahead = Ahead(make)
    assert ahead.waited == 0
    meter = Meter("x", 2, waited=lambda: ahead.waited)
    assert meter.line().endswith("· 0% of the time waiting for inputs")
    threading.Timer(0.05, gate.set).start()
    ahead.take(keys_of(asked), asked)
    assert ahead.waited > 0.04
    half = Meter("x", 2, began=meter.began, waited=lambda: ahead.waited)
    assert half.line().endswith("· 0% of the time waiting for inputs"), "what was waited before counts not"
    assert not meter.line().endswith("· 0% of the time waiting for inputs")
    assert "waiting" not in Meter("x", 2).line()


def answered(path, model, prompts, batch_size):
    work = CellWork(path, prompts, [sha256_json(prompt.sample_id) for prompt in prompts])
    failures = fill_cells([(work, missing_in(work))], model, BatchSize(batch_size), Meter("x", len(prompts)))
    return {one.id: one.text for one in read_predictions(path).predictions}, failures


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_a_broken_picture_costs_only_its_own_sample(asked, tmp_path, batch_size):
    model = open_replay(embedded_base(), Placement())
    model.use(Checkpoint("00-base", None, "base"))
    asked = [replace(one, text=f"{one.text} {batch_size}") for one in asked]  # not known from another size
    wanted = model.generate_plainly(asked[3:])
    broken = [replace(asked[2], picture=Picture("torn.png", asked[2].picture.data[:40]))]
    texts, failures = answered(tmp_path / "v0.jsonl", model, asked[:2] + broken + asked[3:], batch_size)
    assert [name for name, text in texts.items() if text is None] == ["blue"]
    assert [texts[one.sample_id] for one in asked[3:]] == wanted
    assert len(failures) == 1
    assert "blue: torn.png: image cannot be read" in failures[0]
    assert model.waited() > 0
