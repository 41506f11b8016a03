import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvit_bench.answers.names import by_words, find_names, plain
from cvit_bench.records.sample import Sample
from cvit_bench.scorers import exact

ANIMALS = ("cat", "wild cat", "dog", "T-shirt/top")


def _one(task, text, *answers, choices=()):
    return exact.score(task, [(Sample("1", "?", answers, choices), text)])[0]


def _marks(score):
    return score.strict, score.knowledge


@pytest.mark.parametrize(
    ("text", "marks", "extracted"),
    [
        ("cat", (1, 1), "cat"),
        (" Cat. ", (1, 1), "Cat."),
        ("CAT .", (1, 1), "CAT ."),
        ("cat..", (0, 1), "cat"),
        ('"cat"', (0, 1), "cat"),
        ("It's a CAT!", (0, 1), "cat"),
        ("the cat, yes the cat", (0, 1), "cat, cat"),
        ("a cat or a dog", (0, 0), "cat, dog"),
        ("wild cat", (0, 0), "wild cat"),
        ("a cat, no wild cat", (0, 0), "cat, wild cat"),
        ("catalogue", (0, 0), "catalogue"),
        ("c", (0, 0), "c"),
        ("a t shirt top", (0, 0), "T-shirt/top"),
        (".", (0, 0), ""),
    ],
)
def test_class_names(make_task, text, marks, extracted):
    score = _one(make_task("class_name", ANIMALS), text, "cat")
    assert _marks(score) == marks
    assert score.extracted == extracted


def test_a_class_inside_the_right_class_is_no_competitor(make_task):
    assert _marks(_one(make_task("class_name", ANIMALS), "That is a wild cat.", "wild cat")) == (0, 1)


def test_any_reference_is_right_and_two_of_them_do_not_compete(make_task):
    task = make_task("short_answer")
    assert _marks(_one(task, "sofa", "couch", "sofa")) == (1, 1)
    assert _marks(_one(task, "a couch (or sofa)", "couch", "sofa")) == (0, 1)


def test_choices_of_the_sample_compete(make_task):
    task = make_task("short_answer")
    assert _marks(_one(task, "red, not blue", "red")) == (0, 1)
    assert _marks(_one(task, "red, not blue", "red", choices=("red", "blue"))) == (0, 0)


@pytest.mark.parametrize(
    ("text", "answer", "marks"),
    [
        ("3", "3", (1, 1)),
        ("3.0", "3", (0, 1)),
        ("three", "3", (0, 1)),
        ("3 or 4", "3", (0, 0)),
        ("-3", "3", (0, 0)),
    ],
)
def test_numbers_in_another_spelling_are_known(make_task, text, answer, marks):
    assert _marks(_one(make_task("number"), text, answer)) == marks


def test_yes_and_no_compete_in_any_form(make_task):
    task = make_task("short_answer")
    assert _marks(_one(task, "yes or no", "yes")) == (0, 0)
    assert _marks(_one(task, "there is no red", "red")) == (0, 1)


def test_a_digit_inside_a_decimal_is_no_word(make_task):
    assert _marks(_one(make_task("short_answer"), "3.5", "3")) == (0, 0)


def test_form_is_judged_apart_from_content(make_task):
    task = make_task("class_name", ANIMALS, max_words=1)
    assert [_one(task, text, "cat").form for text in ("cat", "dog", "a cat", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_fragments_and_empty_answers_earn_nothing(make_task):
    """Released scorers of the field count the empty string, and any fragment of a label, as right."""
    task = make_task("class_name", ANIMALS)
    for text in ("", "c", "at", "t", "ca"):
        assert _marks(_one(task, text, "cat")) == (0, 0)


@settings(deadline=None)
@given(
    st.text(), st.sampled_from(["", " ", "\t"]), st.sampled_from(["", "."]), st.sampled_from(["", "\n", "  "])
)
def test_only_case_outer_space_and_a_final_stop_are_ignored(text, before, stop, after):
    said = plain(text)
    if not text.rstrip().endswith("."):
        assert plain(before + text + stop + after) == said
    assert plain(text.swapcase()) == plain(text.swapcase().casefold())
    assert plain(said + " x") == (said.lstrip() + " x" if said else "x")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["cat", "wild", "dog", "the", "Cat", "wild cat"]), max_size=8))
def test_finding_names_is_independent_of_what_stands_between(parts):
    names = (by_words(ANIMALS),)
    assert find_names(names, " ".join(parts)) == find_names(names, " - ".join(" ".join(parts).split()))
