"""VQA accuracy against hand tables and a literal leave-one-out average; accuracies against scikit-learn."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from cvit_bench.answers.vqa_words import m4c_words, soft_accuracies, vqa_words
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.scorers import exact, number, option_letter, vqa_accuracy, yes_no
from cvit_bench.scorers.released import textvqa


# Worked by hand through the steps of the public evaluation: punctuation, words, contractions.
@pytest.mark.parametrize(
    ("answer", "challenge", "m4c"),
    [
        ("Yes", "yes", "yes"),
        ("the Cat", "cat", "cat"),
        ("a", "", ""),
        ("Two dogs", "2 dogs", "2 dogs"),
        ("none", "0", "0"),
        ("eleven", "eleven", "eleven"),
        ("dont know", "don't know", "don't know"),
        ("don't", "don't", "don't"),
        ("couldnt've", "couldn't've", "couldn't've"),
        ("oclock", "o'clock", "o'clock"),
        ("yall'd've", "y'all'd've", "y'all'd've"),
        ("somebody'd", "somebodyd", "somebodyd"),
        ("dog's", "dog's", "dog 's"),
        ("red/blue", "red blue", "red blue"),
        ("red / blue", "red blue", "red blue"),
        ("t-shirt", "t shirt", "t shirt"),
        ("well - known", "well known", "well known"),
        ("black, white", "black white", "black white"),
        ("black,white", "black white", "blackwhite"),
        ("1,000", "1000", "1000"),
        ("1,000-2", "10002", "1000 2"),
        ("3.5", "3.5", "3.5"),
        ("3. 5", "3 5", "3 5"),
        ("st. paul", "st paul", "st paul"),
        ("U.S.A.", "usa", "usa"),
        (".5", ".5", ".5"),
        ("7:30", "7:30", "7:30"),
        ("what?", "what", "what"),
        ("what?now", "what now", "whatnow"),
        ("hello!", "hello", "hello"),
        ("$5", "$5", "$5"),
        ("50%", "50%", "50%"),
        ("\tnew\nline ", "new line", "new line"),
        ("", "", ""),
        ("?", "", ""),
    ],
)
def test_normalisation(answer, challenge, m4c):
    assert vqa_words(answer) == challenge
    assert m4c_words(answer) == m4c


def literal_accuracy(said, answers):
    """The challenge's sentence as it stands: an answer is 100 % right if three others gave it, averaged."""
    shares = []
    for left_out in range(len(answers)):
        others = answers[:left_out] + answers[left_out + 1 :]
        shares.append(min(1.0, sum(other == said for other in others) / 3))
    return sum(shares) / len(shares)


# Published with the challenge: of ten annotators so many agree, and the answer is worth so much.
@pytest.mark.parametrize(("agree", "accuracy"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)])
def test_published_values(agree, accuracy):
    answers = ["red"] * agree + [f"other {at}" for at in range(10 - agree)]
    assert soft_accuracies(answers).get("red", 0.0) == pytest.approx(accuracy)


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=12))
def test_leaving_one_annotator_out(answers):
    for said, found in soft_accuracies(answers).items():
        assert found == pytest.approx(literal_accuracy(said, answers))


def _task(form, **more):
    return Task(
        name="t", title="T", description="d", answer_form=form, scorer="s", template="t", reader="r",
        splits={"test": {"file": "f"}}, licence="CC0-1.0", citation="c", **more,
    )  # fmt: skip


ANNOTATORS = ("red",) * 5 + ("dark red",) * 3 + ("Maroon", "the red car")


@pytest.mark.parametrize(
    ("text", "strict", "knowledge"),
    [
        ("Red.", 1, 1),
        ("the red", 1, 1),
        ("dark red", 0.9, 0.9),
        ("maroon!", 0.3, 0.3),
        ("It is red", 0, 1),
        ("it looks dark red", 0, 0.9),
        ("red or maroon", 0, 0.3),
        ("blue", 0, 0),
        ("redder", 0, 0),
        ("", 0, 0),
        ("the", 0, 0),
    ],
)
def test_soft_scores(text, strict, knowledge):
    found = vqa_accuracy.score(_task("short_answer"), [(Sample("1", "?", ANNOTATORS), text)])[0]
    assert (found.strict, found.knowledge) == (pytest.approx(strict), pytest.approx(knowledge))


@pytest.mark.parametrize(
    ("text", "answers", "knowledge"),
    [
        ("yes and no", ("yes",) * 10, 0),
        ("two or 3", ("2",) * 10, 0),
        ("there are two of them", ("2",) * 10, 1),
        ("about 4 of 2", ("2",) * 10, 0),
        ("A", ("a",) * 10, 1),
    ],
)
def test_competitors_of_a_soft_answer(text, answers, knowledge):
    found = vqa_accuracy.score(_task("short_answer"), [(Sample("1", "?", answers), text)])[0]
    assert found.knowledge == knowledge


def test_textvqa_of_the_released_scripts():
    texts = ("Red?", "a", "dark, red", "red car", "It is red")
    found = [textvqa.score(None, [(Sample("1", "?", ANNOTATORS), text)])[0] for text in texts]
    assert [one.value for one in found] == pytest.approx([1, 0, 0.9, 0.3, 0])
    assert [one.form for one in found] == [True, True, True, True, False]


NAMED = {
    "exact": (exact, "class_name", ("cat", "dog", "bird")),
    "option_letter": (option_letter, "option_letter", ("A", "B", "C")),
    "yes_no": (yes_no, "yes_no", ("yes", "no")),
    "number": (number, "number", ("1", "2", "3")),
}


@pytest.mark.parametrize("name", NAMED)
def test_answers_in_form_score_as_accuracy(name):
    """Where every answer is one of the labels, the mean of S, and of K, is scikit-learn's accuracy."""
    module, form, labels = NAMED[name]
    pairs = [(gold, said) for gold, said in product(labels, labels) for _ in range(labels.index(said) + 1)]
    items = [(Sample(str(at), "?", (gold,)), said) for at, (gold, said) in enumerate(pairs)]
    found = module.score(_task(form), items)
    expected = accuracy_score([gold for gold, _ in pairs], [said for _, said in pairs])
    assert sum(one.strict for one in found) / len(found) == pytest.approx(expected)
    assert sum(one.knowledge for one in found) / len(found) == pytest.approx(expected)


@settings(max_examples=50)
@given(st.text(alphabet="ab,.?!'- 12the", max_size=12))
def test_normalising_lower_cases_and_leaves_no_outer_space(text):
    for words in (vqa_words(text), m4c_words(text)):
        assert words == " ".join(words.split()) == words.lower()
