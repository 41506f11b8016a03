"""The allowed answers of a sample: which source they come from, and what `validate` says about them."""

import pytest
from pydantic import ValidationError

from cvit_bench.data.candidates import allowed_answers, candidates_sha256, holds_right
from cvit_bench.data.library import open_library
from cvit_bench.data.samples import load_samples
from cvit_bench.records.sample import Sample

LIBRARY = open_library()


def no_train():
    raise AssertionError("the train split is not needed")


def allowed(task, *samples, train=no_train):
    return allowed_answers(task, samples, train)


def test_options_are_spelt_as_letters_and_in_words():
    two = Sample("a", "?", ("A",), choices=("left", "right"))
    assert allowed(LIBRARY.task("mini_geo"), two) == [(("A", "left"), ("B", "right"))]


def test_options_that_are_not_listed_are_letters(task):
    record = task(answer_form="option_letter", form={"letters": "AB"})
    assert allowed(record, Sample("a", "?", ("A",))) == [(("A",), ("B",))]


def test_yes_or_no_stand_against_each_other_only():
    record = LIBRARY.task("mini_shapes")
    yes, colour = allowed(record, Sample("a", "?", ("yes",)), Sample("b", "?", ("red",)))
    assert yes == (("yes",), ("no",))
    assert colour == tuple((name,) for name in record.classes)


def test_numerals_are_all_of_a_range(task):
    record = task(answer_form="number", numerals=[3, 6])
    assert allowed(record, Sample("a", "?", ("4",))) == [(("3",), ("4",), ("5",), ("6",))]


def test_train_answers(task):
    record = task(splits={"train": {"file": "a"}, "test": {"file": "b"}}, candidates=["train_answers"])
    train = [Sample(name, "?", (name,)) for name in ("sun", "moon")]
    found = allowed(record, Sample("a", "?", ("Sun.",)), Sample("b", "?", ("star",)), train=lambda: train)
    assert found == [(("moon",), ("sun",))] * 2
    assert holds_right(Sample("a", "?", ("Sun.",)), found[0])
    assert not holds_right(Sample("b", "?", ("star",)), found[1])


def test_the_first_source_with_a_right_answer_counts_and_else_the_last(task):
    record = task(classes=["cat", "dog"], candidates=["yes_no", "options", "classes"])
    samples = [Sample("a", "?", (right,), choices=("owl", "eel")) for right in ("no", "owl", "dog", "ant")]
    yes_no, options, classes, last = allowed(record, *samples)
    assert (yes_no[0], options[0], classes[0], last) == (("yes",), ("owl",), ("cat",), classes)


@pytest.mark.parametrize(
    ("keys", "sources"),
    [
        ({"answer_form": "yes_no"}, ["yes_no"]),
        ({"answer_form": "class_name", "classes": ["a", "b"]}, ["yes_no", "classes"]),
        ({"answer_form": "short_answer", "classes": ["a", "b"]}, ["yes_no", "classes"]),
        ({"answer_form": "short_answer"}, []),
        ({"answer_form": "number"}, []),
        ({"answer_form": "number", "numerals": [0, 9]}, ["numerals"]),
        ({"answer_form": "option_letter"}, ["options"]),
        ({"answer_form": "option_letter", "knowledge": "lenient"}, []),
        ({"answer_form": "sentence"}, []),
        ({"answer_form": "box"}, []),
    ],
)
def test_the_answer_form_decides_where_nothing_is_said(task, keys, sources):
    assert [source.value for source in task(**keys).sources] == sources


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"knowledge": "ranked"}, "candidates: knowledge: ranked needs some"),
        ({"knowledge": "lenient", "candidates": ["yes_no"]}, "nothing is ranked"),
        ({"answer_form": "sentence", "knowledge": "ranked"}, "cannot be listed"),
        ({"candidates": ["classes"]}, "the task has no classes"),
        ({"candidates": ["numerals"]}, "the task has no numerals"),
        ({"candidates": ["train_answers"]}, "the task has no train split"),
        ({"numerals": [3, 3]}, "numerals: "),
        ({"numerals": [0, 10**9]}, "numerals: "),
        ({"candidates": ["guesses"]}, "candidates"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(task, keys, what):
    with pytest.raises(ValidationError, match=what):
        task(**keys)


@pytest.mark.parametrize("name", sorted(LIBRARY.tasks))
def test_every_bundled_sample_has_a_right_answer_among_those_allowed(name):
    task = LIBRARY.task(name)
    if not task.sources or task.source != "embedded":
        return
    samples = load_samples(task, "test")
    found = allowed_answers(task, samples, lambda: load_samples(task, "train"))
    assert all(map(holds_right, samples, found))
    assert min(map(len, found)) >= 2


def test_the_hash_knows_order_and_spelling():
    one, two = (("A", "left"), ("B", "right")), (("B", "right"), ("A", "left"))
    assert candidates_sha256(one) != candidates_sha256(two)
    assert candidates_sha256(one) != candidates_sha256((("A",), ("B",)))
