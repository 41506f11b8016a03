import math

import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import cider, cider_cosine, cider_d

HORSE = Sample("horse", "?", ("A man rides a horse.", "Someone on a horse."))
DOGS = Sample("dogs", "?", ("Two dogs play in the snow.",))


def _values(task, *items):
    return [score.strict for score in cider.score(task, items)]


def test_two_samples_by_hand(make_task):
    """N = 2, references "x y" and "z w": df = 1 everywhere, so every known or unknown n-gram weighs ln 2.

    Answer "x z" for the first: unigrams (1, 1)/√2 · (1, 1)/√2, shared x: 1/2; no shared bigram; none for
    n = 3, 4. Both have one bigram: no penalty. 10 · (1/2 + 0 + 0 + 0)/4 = 1.25.
    Answer "x": 1/√2 for n = 1, and no bigram against one: 10 · (1/√2)/4 · exp(−1/72).
    """
    one, two = Sample("1", "?", ("x y",)), Sample("2", "?", ("z w",))
    task = make_task("sentence")
    assert _values(task, (one, "x z"), (two, "z w")) == pytest.approx([1.25, 5.0])
    expected = 2.5 * math.sqrt(0.5) * math.exp(-1 / 72)
    assert _values(task, (one, "x"), (two, ""))[0] == pytest.approx(expected)


def test_one_sample_has_no_document_frequencies(make_task):
    assert _values(make_task("sentence"), (HORSE, "A man rides a horse.")) == [0.0]


def test_words_in_every_reference_weigh_nothing(make_task):
    one, two = Sample("1", "?", ("the same words",)), Sample("2", "?", ("the same words",))
    assert _values(make_task("sentence"), (one, "the same words"), (two, "other")) == [0.0, 0.0]


def test_repeating_a_word_is_clipped(make_task):
    task = make_task("sentence")
    once, often = (_values(task, (HORSE, text), (DOGS, "x"))[0] for text in ("horse", "horse " * 5))
    assert often < once


def test_asking_a_sample_twice_changes_no_value(make_task):
    task = make_task("sentence")
    items = [(HORSE, "A man on a horse."), (DOGS, "Dogs play.")]
    assert _values(task, *items, *items) == _values(task, *items) * 2


def test_knowledge_is_the_strict_score_and_form_is_apart(make_task):
    task = make_task("sentence", ends_with=".", min_words=3)
    good, bad = cider.score(task, [(HORSE, "A man rides a horse."), (DOGS, "dogs")])
    assert (good.form, bad.form) == (True, False)
    assert good.knowledge == good.strict > 0
    assert bad.knowledge == bad.strict > 0
    assert good.extracted == "A man rides a horse."


def test_cider_d_is_the_same_number_and_the_plain_cosine_pays_for_repeats(make_task):
    task = make_task("sentence")
    items = [(HORSE, "A man on a horse horse horse."), (DOGS, "Two dogs play.")]
    assert cider_d.score(task, items) == cider.score(task, items)
    plain, hard = (module.score(task, items)[0].strict for module in (cider_cosine, cider))
    assert plain > hard
    same = [(HORSE, "Someone on a horse."), (DOGS, "Two dogs play in the snow.")]
    assert cider_cosine.score(task, same)[1].strict == pytest.approx(10.0)
