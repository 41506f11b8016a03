"""The forms that form-change variants ask for: each flag lets through what it says and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cvit_bench.records.asked_form import AskedForm, asked_form_kept
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.template import Template

SENTENCE = {"answer_form": "sentence", "min_words": 3, "ends_with": "."}
WORDS = {"answer_form": "short_answer", "no_label": True}
CASES = [
    (SENTENCE, ["It is red.", "The answer is B."], ["red", "It is red", "B.", "Is red."]),
    (
        {"answer_form": "option_letter", "brackets": True},
        ["(B)", "(b)", "( A )", "(B).", " (D)\n"],
        ["B", "[B]", "(E)", "(red)", "()", "((B))", "(A) (B)", "(B) red", "(B", "B)", ")B("],
    ),
    (
        {"answer_form": "short_answer", "brackets": True},
        ["(red)", "(dark red)"],
        ["red", "(red) car", "(a) or (b)", "( )", "(red]"],
    ),
    ({"answer_form": "yes_no", "case": "upper"}, ["YES", "NO.", "NO!"], ["yes", "Yes", "PERHAPS"]),
    ({"answer_form": "class_name", "case": "upper"}, ["T-SHIRT", "7", "ÄRMEL"], ["T-shirt", "ärmel"]),
    ({"answer_form": "class_name", "case": "lower"}, ["t-shirt"], ["T-shirt"]),
    (
        {"answer_form": "number", "spelt_out": True},
        ["three", "Seven.", "twenty-one", "ninety nine", "one hundred", "zero"],
        ["3", "three dots", "3 three", "twenty-eleven", "many", "one one"],
    ),
    ({"answer_form": "sentence", "spelt_out": True}, ["I see three."], ["I see 3.", "I see ³."]),
    (
        WORDS,
        ["red", "dark red", "A red cat", "a cat", "T-shirt", "vitamin C", "42"],
        ["B", "b.", "(B)", "B. red", "B) red", "(b) red", "b: red", "B red", "red (B)", "[C] red"],
    ),
    (
        {**SENTENCE, "starts_with": ["yes", "no"]},
        ["Yes, it is.", "no it isn't.", "NO, not there."],
        ["It is so, yes.", "Yes.", "Yesterday it was.", "Yes, it is"],
    ),
]


@pytest.mark.parametrize(("asks", "kept", "broken"), CASES)
def test_a_flag_lets_through_what_it_says(asks, kept, broken):
    asked = AskedForm(**asks)
    assert [text for text in kept if not asked_form_kept(asked, "ABCD", text)] == []
    assert [text for text in broken if asked_form_kept(asked, "ABCD", text)] == []


@given(
    form=st.sampled_from(AnswerForm),
    flags=st.fixed_dictionaries(
        {
            "brackets": st.booleans(),
            "case": st.sampled_from([None, "upper", "lower"]),
            "spelt_out": st.booleans(),
            "no_label": st.booleans(),
        }
    ),
    text=st.text(alphabet="aB1 .()[]-é\n", max_size=12),
)
def test_any_text_gets_a_verdict_and_blank_text_never_keeps_a_form(form, flags, text):
    asked = AskedForm(answer_form=form, **flags)
    kept = asked_form_kept(asked, "ABCD", text)
    assert isinstance(kept, bool)
    assert kept == asked_form_kept(asked, "ABCD", f" {text}\n")
    assert not (kept and not text.strip())


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "1" * 50_000, "a (" * 20_000, "." * 50_000 + "x", "x" + "." * 50_000 + "x"]
)
@pytest.mark.parametrize("asks", [case[0] for case in CASES])
def test_long_answers_take_no_long_time(asks, text):
    started = time.process_time()
    asked_form_kept(AskedForm(**asks), "ABCD", text + "\n7 (b]")
    assert time.process_time() - started < 2


def _template(**last):
    variants = [{"id": "v0", "split": "train", "text": "a"}, {"id": "v1", "text": "b", **last}]
    return Template(name="t", answer_form="number", variants=variants)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"split": "train", "asks": SENTENCE}, "asks for another form must be of the heldout split"),
        (
            {"split": "heldout", "asks": {"answer_form": "number"}},
            "v1: asks: this is the template's own form",
        ),
        ({"split": "heldout", "asks": {"answer_form": "shout"}}, "variants.1.asks.answer_form"),
        (
            {"split": "heldout", "asks": {**SENTENCE, "max_words": 2}},
            "min_words 3 is larger than max_words 2",
        ),
        ({"split": "heldout", "asks": {**SENTENCE, "pattern": "(a+)+"}}, "pattern"),
        ({"split": "heldout", "asks": {**SENTENCE, "letters": "AB"}}, "letters"),
    ],
)
def test_a_form_change_that_is_none_or_might_be_trained_is_refused(last, said):
    with pytest.raises(ValidationError, match=said):
        _template(**last)


def test_form_changes_are_no_paraphrases():
    template = _template(split="heldout", asks=SENTENCE)
    assert [one.id for one in template.paraphrases] == ["v0"]
    assert [one.id for one in template.form_changes] == ["v1"]
    assert template.variants_of("heldout") == ()
