"""The scripted family: a table answers, a stage's table replaces the base's, faults happen on purpose."""

import json
import time

import pytest

from cvit_bench.data.images import blank_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Checkpoint, Placement, family_of
from cvit_bench.records.sample import Prompt


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a scripted folder and returns it."""

    def write_folder(name="base", **script):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "scripted.json").write_text(json.dumps(script))
        return folder

    return write_folder


def opened(folder):
    return family_of(folder).load(folder, Placement())


def prompts(*names):
    return [Prompt(name, "pets", "v0", "What is it?", None, 4) for name in names]


BASE = Checkpoint("00-base", None, "base")


def test_a_folder_with_a_script_is_of_the_scripted_family(write):
    family = family_of(write())
    assert (family.name, family.needs_torch) == ("scripted", False)


def test_answers_come_from_the_table_and_else_from_the_default(write):
    model = opened(write(answers={"pets/a": "cat", "wild/b": "fox"}, default="who knows"))
    model.use(BASE)
    assert model.generate(prompts("b", "a")) == ["who knows", "cat"]


def test_a_stages_table_replaces_the_bases_and_the_base_comes_back(write):
    model = opened(write(answers={"pets/a": "cat", "pets/b": "dog"}))
    model.use(Checkpoint("01-pets", write("stage", answers={"pets/a": "lion"}), "adapter"))
    assert model.generate(prompts("a", "b")) == ["lion", ""]
    model.use(BASE)
    assert model.generate(prompts("a", "b")) == ["cat", "dog"]


def test_a_prompt_that_fails_raises_and_the_others_do_not(write):
    model = opened(write(fails=["pets/a"], default="x"))
    model.use(BASE)
    assert model.generate(prompts("b")) == ["x"]
    with pytest.raises(RuntimeError, match="scripted failure at pets/a"):
        model.generate(prompts("b", "a"))


def test_a_delay_is_spent_once_a_batch(write):
    model = opened(write(delay=0.2))
    model.use(BASE)
    began = time.monotonic()
    model.generate(prompts("a", "b", "c", "d"))
    assert 0.2 <= time.monotonic() - began < 4 * 0.2


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"answer": {}}, "answer: unknown key 'answer'.* Did you mean 'answers'"),
        ({"answers": {"pets/a": 3}}, "answers.pets/a: Input should be a valid string"),
        ({"delay": -1}, "delay: "),
        ({"schema_version": 2}, "schema_version: this is a file of version 2"),
    ],
)
def test_a_script_with_a_fault_is_refused(write, script, said):
    folder = write(**script)
    with pytest.raises(CvitBenchError, match=said):
        opened(folder)


def test_a_stage_without_a_script_is_refused(write, tmp_path):
    model = opened(write())
    with pytest.raises(CvitBenchError, match="no such file"):
        model.use(Checkpoint("01-pets", tmp_path, "adapter"))


def test_it_holds_likeliest_what_it_knows_else_what_it_says(write):
    model = opened(write(answers={"pets/a": "cat", "pets/b": "cat"}, knows={"pets/b": "dog"}))
    found = model.rank(prompts("a", "b", "c"), [("dog", "cat", "cow")] * 3)
    assert [max(range(3), key=row.plain.__getitem__) for row in found[:2]] == [1, 0]
    assert len(set(found[2].plain)) == 1
    assert found[0].tokens == (1, 1, 1)


def test_with_a_blank_picture_it_holds_likeliest_what_it_guesses(write):
    model = opened(write(answers={"pets/a": "cat"}, guesses={"pets/a": "dog"}))
    blank = [Prompt(name, "pets", "v0", "What is it?", blank_picture(), 4) for name in ("a", "b")]
    found = model.rank(blank, [("dog", "cat")] * 2)
    assert found[0].plain[0] > found[0].plain[1]
    assert found[1].plain[0] == found[1].plain[1]
