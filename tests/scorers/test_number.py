import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import number


def _one(task, text, *answers):
    return number.score(task, [(Sample("1", "?", answers), text)])[0]


def _marks(score):
    return score.strict, score.knowledge


@pytest.mark.parametrize(
    ("text", "answer", "marks"),
    [
        ("3", "3", (1, 1)),
        ("3.", "3", (1, 1)),
        ("3.0", "3", (1, 1)),
        ("+3", "3", (1, 1)),
        ("three", "3", (0, 1)),
        ("Twenty-one dots.", "21", (0, 1)),
        ("twenty one", "1", (0, 0)),
        ("one hundred", "100", (0, 1)),
        ("there are 3 dogs", "3", (0, 1)),
        ("one dog has 3 legs", "3", (0, 1)),
        ("3 or 4", "3", (0, 0)),
        ("-3", "3", (0, 0)),
        ("33", "3", (0, 0)),
        ("1.3", "3", (0, 0)),
        ("3rd", "3", (0, 0)),
        ("07", "7", (1, 1)),
        ("1000", "1,000", (1, 1)),
        ("2,5", "2.5", (1, 1)),
        ("$3", "3", (0, 1)),
        ("about 1000", "1,000", (0, 1)),
        ("1000", "1", (0, 0)),
        ("it is 1234568", "1234567", (0, 0)),
        ("-0.50 m", "-0.5", (0, 1)),
        ("1.2.3", "1.2.3", (1, 1)),
        ("version 1.2.3", "1.2.3", (0, 1)),
    ],
)
def test_numbers(make_task, text, answer, marks):
    assert _marks(_one(make_task("number"), text, answer)) == marks


def test_extracted_numbers_have_one_spelling(make_task):
    assert _one(make_task("number"), "between 3.0 and 1,000", "3").extracted == "3, 1000"
