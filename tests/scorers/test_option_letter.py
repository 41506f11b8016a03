import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import option_letter

COLOURS = ("green", "red", "dark red")


def _one(task, text, answer="B", choices=COLOURS):
    return option_letter.score(task, [(Sample("1", "?", (answer,), choices), text)])[0]


def _marks(score):
    return score.strict, score.knowledge


@pytest.mark.parametrize("text", ["B", "b", " B ", "B.", "b.\n"])
def test_the_letter_alone_is_strictly_right(make_task, text):
    score = _one(make_task("option_letter"), text)
    assert _marks(score) == (1, 1)
    assert score.extracted == "B"


@pytest.mark.parametrize(
    "text",
    [
        "(B)", "(b)", "[B]", "b)", "**B**", "'B'", "B:", "B. red", "B) red", "b: red", "B red",
        "B because it shines", "the answer is B", "Answer: B", "Option B.", "I think B", "A guess: B",
        "red", "Red.", "a red", "A red car", "it is red, not blue",
    ],
)  # fmt: skip
def test_other_shapes_are_known_but_not_said_as_asked(make_task, text):
    score = _one(make_task("option_letter"), text)
    assert _marks(score) == (0, 1)
    assert score.extracted == "B"
    assert not score.form


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        ("A", "A"),
        ("A and B", "A, B"),
        ("A, B", "A, B"),
        ("B or C", "B, C"),
        ("Both A and B", "A, B"),
        ("A e B e", "A, B"),
        ("A B", "A, B"),
        ("A b", "A"),
        ("C e B e", "B, C"),
        ("The answer is A", "A"),
        ("dark red", "C"),
        ("B. dark red", "B, C"),
        ("B: green", "A, B"),
        ("red, green", "A, B"),
        ("A) green B) red C) dark red", "A, B, C"),
        ("reddish", "reddish"),
        ("a dog", "a dog"),
        ("A dog", "A dog"),
        ("D", "D"),
        ("", ""),
        ("...", "..."),
    ],
)
def test_wrong_or_undecided(make_task, text, extracted):
    score = _one(make_task("option_letter"), text)
    assert _marks(score) == (0, 0)
    assert score.extracted == extracted


@pytest.mark.parametrize(
    ("text", "extracted"),
    [
        ("No. A dog, B", "B"),
        ("No ... A dog, B", "B"),
        ("Well -- A dog, B", "A, B"),
        ("(see 3) - : A dog, B", "B"),
        ("(A) dog? (A dog", "A"),
        ("- A dog. A cat! A hen\nA cow: C", "C"),
    ],
)
def test_an_article_opens_a_sentence_whatever_stands_between(make_task, text, extracted):
    assert _one(make_task("option_letter"), text).extracted == extracted


def test_a_letter_inside_an_option_is_not_a_letter(make_task):
    choices = ("Vitamin C", "Vitamin D", "neither")
    assert _marks(_one(make_task("option_letter"), "Vitamin D", choices=choices)) == (0, 1)


def test_the_reference_may_be_the_text_of_an_option(make_task):
    task = make_task("option_letter")
    assert _marks(_one(task, "C", answer="dark red")) == (1, 1)
    assert _marks(_one(task, "dark red", answer="dark red")) == (0, 1)
    assert _marks(_one(task, "B", answer="dark red")) == (0, 0)


def test_without_choices_the_letters_of_the_form_count(make_task):
    task = make_task("option_letter", letters="AB")
    assert _marks(_one(task, "(B)", choices=())) == (0, 1)
    assert _marks(_one(task, "B, not C", choices=())) == (0, 1)
    assert _marks(_one(task, "B, not A", choices=())) == (0, 0)


def test_the_form_is_one_of_the_letters(make_task):
    task = make_task("option_letter", letters="ABC")
    assert [_one(task, text).form for text in ("A", "B", "D", "(B)", "red", "")] == [True, True, *[False] * 4]


def test_letters_that_match_without_being_equal(make_task):
    """A dotless ı matches i when case is ignored, yet folds to itself."""
    assert _marks(_one(make_task("option_letter"), "kırmızı", choices=("mavi", "kirmizi"))) == (0, 0)


def test_numerals_may_be_options(make_task):
    assert _marks(_one(make_task("option_letter"), "it is 3", choices=("2", "3", "4"))) == (0, 1)
