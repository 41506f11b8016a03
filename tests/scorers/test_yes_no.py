import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import yes_no


def _one(task, text, *answers):
    return yes_no.score(task, [(Sample("1", "?", answers), text)])[0]


def _marks(score):
    return score.strict, score.knowledge


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("yes", (1, 1)),
        ("Yes.", (1, 1)),
        ("yes it is", (0, 1)),
        ("yes, no", (0, 0)),
        ("no", (0, 0)),
        ("YES ", (1, 1)),
        ("the answer is yes, yes", (0, 1)),
        ("yesterday", (0, 0)),
        ("not sure", (0, 0)),
        ("y", (0, 0)),
    ],
)
def test_yes_no(make_task, text, marks):
    assert _marks(_one(make_task("yes_no"), text, "yes")) == marks


def test_what_is_neither_yes_nor_no_is_never_right(make_task):
    assert _marks(_one(make_task("yes_no"), "perhaps", "perhaps")) == (0, 0)
    assert _one(make_task("yes_no"), "No, it does not", "no").extracted == "no"
