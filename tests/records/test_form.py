"""The form contract of every answer form: what keeps it, what breaks it; correctness is not looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvit_bench.records.form import AnswerForm, FormLimits, form_kept
from cvit_bench.text import bare, one_space

KEPT = {
    AnswerForm.OPTION_LETTER: ["A", " B ", "e", "C."],
    AnswerForm.SHORT_ANSWER: ["cat", "two words", "yes."],
    AnswerForm.CLASS_NAME: ["t-shirt", "polar bear"],
    AnswerForm.YES_NO: ["yes", "No", " YES. ", "no!"],
    AnswerForm.NUMBER: ["3", "-4.5", "1,000", "+2", "17."],
    AnswerForm.SENTENCE: ["A cat sits on a mat.", "cat"],
    AnswerForm.BOX: ["[1, 2, 3, 4]", "[0.1,.2, 0.35 , 1]", "[ -1, 0, 1, 2 ]"],
}
BROKEN = {
    AnswerForm.OPTION_LETTER: ["F", "AB", "A..", "(A)", ".", "A cat", "1", "option A"],
    AnswerForm.SHORT_ANSWER: [],
    AnswerForm.CLASS_NAME: [],
    AnswerForm.YES_NO: ["yes it is", "y", "nope", "true", "yes no"],
    AnswerForm.NUMBER: ["three", "3 cats", "about 3", "3-4", "1.2.3", "3..", "-", "."],
    AnswerForm.SENTENCE: [],
    AnswerForm.BOX: [
        "1, 2, 3, 4",
        "[1, 2, 3]",
        "[1, 2, 3, 4, 5]",
        "[a, b, c, d]",
        "[1 2 3 4]",
        "box [1, 2, 3, 4]",
    ],
}
NO_LIMITS = FormLimits()


def test_every_form_is_tested():
    assert set(KEPT) == set(BROKEN) == set(AnswerForm)


@pytest.mark.parametrize(("form", "answer"), [(form, answer) for form in KEPT for answer in KEPT[form]])
def test_an_answer_as_asked_keeps_the_form(form, answer):
    assert form_kept(form, NO_LIMITS, answer)


@pytest.mark.parametrize(("form", "answer"), [(form, answer) for form in BROKEN for answer in BROKEN[form]])
def test_an_answer_in_another_shape_breaks_the_form(form, answer):
    assert not form_kept(form, NO_LIMITS, answer)


@pytest.mark.parametrize("form", AnswerForm)
@pytest.mark.parametrize("answer", ["", " ", "\n\t", "\u00a0\u3000"])
def test_the_empty_answer_never_keeps_the_form(form, answer):
    assert not form_kept(form, NO_LIMITS, answer)


@pytest.mark.parametrize("form", AnswerForm)
def test_white_space_around_an_answer_is_no_part_of_it(form):
    for answer in KEPT[form]:
        assert form_kept(form, NO_LIMITS, f"\n {answer}\t ")


@given(form=st.sampled_from(AnswerForm), answer=st.text(max_size=30))
def test_the_verdict_does_not_depend_on_how_words_are_spaced(form, answer):
    spaced = "  ".join(answer.split())
    assert form_kept(form, NO_LIMITS, answer) == form_kept(form, NO_LIMITS, spaced)


@given(form=st.sampled_from(AnswerForm), answer=st.text(max_size=30), most=st.integers(1, 4))
def test_a_limit_never_lets_more_answers_through(form, answer, most):
    if form_kept(form, FormLimits(max_words=most), answer):
        assert form_kept(form, NO_LIMITS, answer)
        assert len(answer.split()) <= most


@pytest.mark.parametrize(
    ("limits", "kept", "broken"),
    [
        ({"max_words": 2}, ["cat", "a cat"], ["a black cat"]),
        ({"min_words": 3}, ["a black cat"], ["a cat", "cat"]),
        ({"ends_with": "."}, ["A cat.", "A cat. "], ["A cat", "A cat!"]),
        ({"min_words": 2, "max_words": 3, "ends_with": "."}, ["A cat."], ["Cat.", "A cat", "It is a cat."]),
    ],
)
def test_limits_of_a_task_hold(limits, kept, broken):
    for answer in kept:
        assert form_kept(AnswerForm.SENTENCE, FormLimits(**limits), answer)
    for answer in broken:
        assert not form_kept(AnswerForm.SENTENCE, FormLimits(**limits), answer)


@given(st.text(st.sampled_from("aB1é_.! \n·—²")) | st.text())
def test_bare_text_begins_and_ends_with_a_letter_or_a_digit(text):
    folded = one_space(text).casefold()
    assert bare(text) == folded.strip("".join(sign for sign in folded if not sign.isalnum()))


def test_the_letters_are_those_of_the_task():
    assert form_kept(AnswerForm.OPTION_LETTER, FormLimits(letters="AB"), "b")
    assert not form_kept(AnswerForm.OPTION_LETTER, FormLimits(letters="AB"), "C")


@pytest.mark.parametrize(
    "limits",
    [{"max_words": 0}, {"min_words": 0}, {"letters": "a"}, {"letters": ""}, {"min_words": 3, "max_words": 2}],
)
def test_limits_that_nothing_can_meet_are_refused(limits):
    with pytest.raises(ValueError, match="validation error"):
        FormLimits(**limits)
