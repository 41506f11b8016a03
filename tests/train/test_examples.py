"""What a stage learns from: drawn from one seed, every example once an epoch."""

from collections import Counter

import pytest

from cvit_bench.data.library import open_suite
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.train.examples import Example, draw_batches, examples_sha256, first_of_each, load_examples

VARIANTS = {
    "v0": "What is it, fruit 0?\nAnswer shortly.",
    "v1": "Say only the answer. What is it, fruit 0?",
}


def example(name, answers=("x",), text="What is it?", picture=b"png"):
    prompt = Prompt(name, "toy", "v0", text, Picture("here.png", picture) if picture else None, 4)
    return Example(prompt, answers)


def ids(draws):
    return [[prompt.sample_id for prompt in draw.prompts] for draw in draws]


@pytest.fixture
def ten():
    return [example(str(number), (f"answer {number}",)) for number in range(10)]


def test_the_same_seed_draws_the_same_batches_and_another_seed_others(ten):
    draws = [ids(draw_batches(ten, 4, 6, seed)) for seed in ("0/a", "0/a", "0/b", "1/a")]
    assert draws[0] == draws[1]
    assert len({str(draw) for draw in draws}) == 3


def test_batches_have_the_size_and_number_asked_for(ten):
    assert [len(batch) for batch in ids(draw_batches(ten, 4, 6, "s"))] == [4] * 6


@pytest.mark.parametrize(("size", "batches"), [(5, 2), (5, 6), (3, 10), (10, 3), (20, 1), (1, 10)])
def test_every_example_comes_once_an_epoch(ten, size, batches):
    drawn = [name for batch in ids(draw_batches(ten, size, batches, "s")) for name in batch]
    for start in range(0, len(drawn), 10):
        assert sorted(drawn[start : start + 10]) == [str(number) for number in range(10)]


def test_epochs_are_shuffled_anew(ten):
    first, second = ids(draw_batches(ten, 10, 2, "s"))
    assert first != second


def test_a_longer_run_begins_like_a_shorter_one(ten):
    assert ids(draw_batches(ten, 4, 9, "s"))[:3] == ids(draw_batches(ten, 4, 3, "s"))


def test_answers_belong_to_their_prompts(ten):
    for draw in draw_batches(ten, 4, 5, "s"):
        assert draw.answers == [f"answer {prompt.sample_id}" for prompt in draw.prompts]


def test_of_several_answers_each_is_drawn_in_its_turn():
    draws = draw_batches([example("a", ("one", "two", "three"))], 1, 300, "s")
    counts = Counter(draw.answers[0] for draw in draws)
    assert set(counts) == {"one", "two", "three"}
    assert min(counts.values()) > 60


def test_the_hash_of_examples_changes_with_all_that_is_learned_from():
    some = [example("a"), example("b")]
    changed = [
        [example("a"), example("b", ("y",))],
        [example("a"), example("b", text="What?")],
        [example("a"), example("b", picture=b"jpg")],
        [example("a"), example("b", picture=None)],
        [example("a")],
        [example("a", ("x", "x")), example("b")],
    ]
    hashes = {examples_sha256(each) for each in [some, *changed]}
    assert len(hashes) == 7
    assert examples_sha256([example("a"), example("b")]) == examples_sha256(some)


def test_the_hash_of_examples_changes_with_their_order(ten):
    assert examples_sha256(ten) != examples_sha256(ten[::-1])


def test_in_the_single_setting_every_example_has_the_first_wording(toy):
    library, _ = open_suite(toy.suite)
    examples = load_examples(library, ["fruit", "pick"], "single", 0, toy.data)
    assert [one.prompt.sample_id for one in examples] == [
        f"{task}-train-{at}" for task in ("fruit", "pick") for at in range(4)
    ]
    assert examples[0].prompt.text == VARIANTS["v0"]
    assert {one.prompt.variant for one in examples} == {"v0"}
    assert examples[1].answers == ("pear",)


def test_in_the_multi_setting_wordings_are_drawn_from_the_seed(toy):
    library, _ = open_suite(toy.suite)
    texts = []
    for seed in (0, 0, 1, 2, 3):
        examples = load_examples(library, ["fruit", "pick", "count"], "multi", seed, toy.data)
        assert {one.prompt.variant for one in examples} <= set(VARIANTS)
        texts.append(tuple(one.prompt.text for one in examples))
    assert texts[0] == texts[1]
    assert len(set(texts)) > 2


def test_a_limit_holds_for_each_task(toy):
    library, _ = open_suite(toy.suite)
    examples = load_examples(library, ["fruit", "pick"], "single", 0, toy.data, limit=1)
    assert [one.prompt.sample_id for one in examples] == ["fruit-train-0", "pick-train-0"]


def test_what_is_held_out_is_not_learned_from(toy):
    library, _ = open_suite(toy.suite)
    tasks = ["fruit", "pick", "count"]
    whole = load_examples(library, tasks, "single", 0, toy.data)
    rest = load_examples(library, tasks, "single", 0, toy.data, holdout=0.75)
    held = [
        sample.id
        for task in tasks
        for sample in load_samples(library.task(task), "val", toy.data, holdout=0.75)
    ]
    learned = [example.prompt.sample_id for example in rest]
    assert set(learned).isdisjoint(held)
    assert sorted([*learned, *held]) == sorted(example.prompt.sample_id for example in whole)
    assert load_examples(library, tasks, "single", 0, toy.data, holdout=0.0) == whole


def test_a_missing_train_split_is_named(toy):
    toy.edit("tasks/fruit.yaml", splits={"test": {"file": "fruit/test.jsonl"}})
    library, _ = open_suite(toy.suite)
    with pytest.raises(CvitBenchError, match="task 'fruit' has no train split"):
        load_examples(library, ["fruit"], "single", 0, toy.data)


def test_batches_by_length_hold_samples_of_similar_length_and_leave_none_out():
    words = ["a" * length for length in range(1, 41)]
    many = [example(name, (name,)) for name in words]

    def spreads(by_length):
        draws = list(draw_batches(many, 4, 100, "s", by_length))
        seen = [answer for draw in draws for answer in draw.answers]
        lengths = [[len(answer) for answer in draw.answers] for draw in draws]
        return seen, sum(max(row) - min(row) for row in lengths)

    grouped, shuffled = spreads(True), spreads(False)
    assert grouped[1] < shuffled[1] / 4
    assert sorted(grouped[0]) == sorted(words * 10) == sorted(shuffled[0])
    assert spreads(True) == grouped


def test_the_first_of_each_class_are_taken_in_file_order():
    prompts = [Prompt(str(at), "t", "v0", "?", None, 4) for at in range(6)]
    answers = ("x", "x", "y", "x", "y", "z")
    examples = [Example(prompt, (answer,)) for prompt, answer in zip(prompts, answers, strict=True)]
    assert [example.prompt.sample_id for example in first_of_each(examples, 2)] == ["0", "1", "2", "4", "5"]
