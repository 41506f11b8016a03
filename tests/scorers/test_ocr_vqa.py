import pytest

from cvit_bench.records.sample import Sample
from cvit_bench.scorers import ocr_vqa


@pytest.mark.parametrize(
    ("text", "answers", "marks"),
    [
        ("j.k.rowling", ("J. K. Rowling",), (1, 1)),
        ("J. K. ROWLING.", ("J.K. Rowling",), (1, 1)),
        ("Law&Order : A Guide", ("Law & Order: a guide",), (1, 1)),
        ("ﬁnance", ("finance",), (1, 1)),
        ("Stop . . . here", ("Stop...  here",), (1, 1)),
        ("Stop \n\n here", ("Stop here",), (1, 1)),
        ("JK Rowling", ("J. K. Rowling",), (0, 0)),
        ("written by J.K. Rowling", ("J. K. Rowling",), (0, 1)),
        ("Unanswerable", ("J. K. Rowling",), (0, 0)),
        ("Rowling, unanswerable", ("Rowling",), (0, 0)),
        ("unanswerable", ("unanswerable",), (1, 1)),
        ("published in 1984", ("1984",), (0, 1)),
        ("1983 or 1984", ("1984",), (0, 0)),
        ("yes and no", ("yes",), (0, 0)),
        ("Law", ("Law & Order",), (0, 0)),
    ],
)
def test_text_read_off_a_cover(make_task, text, answers, marks):
    found = ocr_vqa.score(make_task("short_answer"), [(Sample("1", "?", answers), text)])[0]
    assert (found.strict, found.knowledge) == marks
