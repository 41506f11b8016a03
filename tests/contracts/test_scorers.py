"""What every scorer owes: a file in scorers/ with a top-level `score` is tested the day it appears."""

import ast
import importlib
import inspect
import random
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvit_bench.scorers
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task

FOLDER = Path(cvit_bench.scorers.__file__).parent


def files_with(folder, function):
    trees = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))}
    return [name for name, tree in trees.items() if function in names_of_functions(tree)]


def names_of_functions(tree):
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


class Case(NamedTuple):
    """One right answer a sample, in the form asked for."""

    form: AnswerForm
    samples: tuple[Sample, ...]
    wrong: str = "something else"
    classes: tuple[str, ...] = ()


def _samples(*answers, choices=()):
    return tuple(Sample(f"s{at}", "?", (answer,), choices) for at, answer in enumerate(answers))


CAPTIONS = Case(
    AnswerForm.SENTENCE,
    _samples("A man rides a horse.", "Two dogs play in snow.", "Someone cooks dinner at home."),
)
CASES = {
    "exact": [
        Case(
            AnswerForm.CLASS_NAME,
            _samples("cat", "wild cat", "T-shirt/top"),
            "dog",
            ("cat", "wild cat", "dog"),
        ),
        Case(AnswerForm.SHORT_ANSWER, _samples("north of it", "St. Paul's", "3", "+")),
        Case(AnswerForm.YES_NO, _samples("yes", "No"), "perhaps"),
        Case(AnswerForm.NUMBER, _samples("3", "-4.5", "1,000"), "17"),
    ],
    "yes_no": [Case(AnswerForm.YES_NO, _samples("yes", "No"), "perhaps")],
    "number": [Case(AnswerForm.NUMBER, _samples("3", "-4.5", "1,000"), "17")],
    "ocr_vqa": [
        Case(AnswerForm.SHORT_ANSWER, _samples("J. K. Rowling", "Law & Order: a guide", "1984", "No", "?")),
    ],
    "vqa_accuracy": [
        Case(AnswerForm.SHORT_ANSWER, _samples("the red cat", "2", "don't", "A", "yes", "7:30")),
        Case(
            AnswerForm.SHORT_ANSWER,
            (Sample("ten", "?", ("light blue",) * 10), Sample("two", "?", ("x",) * 2)),
        ),
    ],
    "option_letter": [
        Case(AnswerForm.OPTION_LETTER, _samples("B", "c", choices=("red", "green", "a")), "A"),
        Case(AnswerForm.OPTION_LETTER, _samples("B", "C"), "E"),
    ],
    "box_iou": [
        Case(
            AnswerForm.BOX,
            _samples("[0.12, 0.40, 0.55, 0.91]", "[0, 0, 1, .5]", "[0.90, 0.90, 1.00, 1.00]"),
            "[0.56, 0.51, 0.60, 0.60]",
        ),
    ],
    **{name: [CAPTIONS] for name in ("cider", "cider_cosine", "cider_d")},
}

SCORERS = files_with(FOLDER, "score")
RELEASED = files_with(FOLDER / "released", "score")
PAIRS = [
    pytest.param(name, case, id=f"{name}-{case.form.value}")
    for name in SCORERS
    for case in CASES.get(name, ())
]
TEXTS = [
    "",
    " ",
    ".",
    "B",
    "(b)",
    "the cat",
    "yes",
    "3 or 4",
    "A man rides a horse.",
    "\n",
    "a" * 500,
    "🙂",
    "É, ß",
]


def _task(case, scorer):
    return Task(
        name="t",
        title="T",
        description="d",
        answer_form=case.form,
        scorer=scorer,
        template="t",
        reader="r",
        splits={"test": {"file": "f"}},
        classes=case.classes,
        licence="CC0-1.0",
        citation="c",
    )


def _score(name, case, items):
    return importlib.import_module(f"cvit_bench.scorers.{name}").score(_task(case, name), items)


@pytest.mark.parametrize("name", SCORERS)
def test_a_scorer_has_a_case_and_constants(name):
    module = importlib.import_module(f"cvit_bench.scorers.{name}")
    assert CASES.get(name), f"add a case for {name} to CASES"
    assert module.TITLE
    assert module.__doc__
    assert module.score.__doc__
    assert isinstance(module.OPEN_ENDED, bool)
    assert module.HIGHEST > 0
    assert list(inspect.signature(module.score).parameters) == ["task", "items"]
    public = {key for key in names_of_functions(ast.parse(inspect.getsource(module))) if key[0] != "_"}
    assert public == {"score"}


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_twin_says_what_it_departs_from(name):
    module = importlib.import_module(f"cvit_bench.scorers.released.{name}")
    assert module.TITLE
    assert module.HIGHEST > 0
    assert list(inspect.signature(module.score).parameters) == ["task", "items"]
    assert "score" in module.__doc__
    assert "orm" in module.__doc__, "say which rule of form was published, or that none was"


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_twin_gives_a_verdict_on_anything(name):
    """One verdict an answer, in range, whatever the order: joined by id, never by place."""
    module = importlib.import_module(f"cvit_bench.scorers.released.{name}")
    task = _task(CAPTIONS, "exact")
    samples = [Sample(str(at), "?", ("yes",) * 10) for at in range(len(TEXTS))]
    items = list(zip(samples, TEXTS, strict=True))
    found = module.score(task, items)
    assert module.score(task, []) == []
    assert all(0.0 <= one.value <= module.HIGHEST and one.form in (True, False, None) for one in found)
    order = random.Random(2).sample(range(len(items)), len(items))
    assert module.score(task, [items[at] for at in order]) == [found[at] for at in order]


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_right_answers_get_the_maximum(name, case):
    highest = importlib.import_module(f"cvit_bench.scorers.{name}").HIGHEST
    for found in _score(name, case, [(sample, sample.answers[0]) for sample in case.samples]):
        assert found.strict == pytest.approx(highest)
        assert found.knowledge == pytest.approx(highest)
        assert found.form
        assert found.extracted


@pytest.mark.parametrize(("name", "case"), PAIRS)
@pytest.mark.parametrize("empty", ["", "  ", "\n\t"])
def test_an_empty_answer_gets_nothing(name, case, empty):
    for found in _score(name, case, [(sample, empty) for sample in case.samples]):
        assert (found.strict, found.knowledge, found.form) == (0.0, 0.0, False)


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_a_wrong_answer_gets_nothing(name, case):
    for found in _score(name, case, [(sample, case.wrong) for sample in case.samples]):
        assert (found.strict, found.knowledge) == (0.0, 0.0)


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_order_does_not_matter_and_the_length_is_kept(name, case):
    items = [(sample, text) for sample in case.samples for text in (*TEXTS, *sample.answers)]
    straight = _score(name, case, items)
    order = random.Random(1).sample(range(len(items)), len(items))
    assert len(straight) == len(items)
    assert _score(name, case, [items[at] for at in order]) == [straight[at] for at in order]
    assert _score(name, case, []) == []


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_what_the_form_allows_changes_no_score(name, case):
    """Case and outer white space nowhere, one final full stop where none of them is part of the answer."""
    texts = [(sample, text) for sample in case.samples for text in (*sample.answers, case.wrong)]
    plain = _score(name, case, texts)
    for change in (str.upper, str.lower, lambda text: f"  {text}\n"):
        changed = _score(name, case, [(sample, change(text)) for sample, text in texts])
        assert [_verdict(one) for one in changed] == [_verdict(one) for one in plain]
    if case.form is not AnswerForm.BOX:
        stopped = [(sample, text.removesuffix(".") + ".") for sample, text in texts]
        assert [_verdict(one) for one in _score(name, case, stopped)] == [_verdict(one) for one in plain]


def _verdict(score):
    return round(score.strict, 9), round(score.knowledge, 9), score.form


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_an_answer_is_joined_to_its_own_sample(name, case):
    """Right answers given to the next sample are right there only if that sample allows them."""
    shifted = case.samples[1:] + case.samples[:1]
    answers = [one.answers[0] for one in shifted]
    for sample, answer, found in zip(
        case.samples, answers, _score(name, case, list(zip(case.samples, answers, strict=True))), strict=True
    ):
        assert found.strict < 1.0 or answer in sample.answers


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_strict_is_at_most_lenient_and_both_are_in_range(name, case):
    highest = importlib.import_module(f"cvit_bench.scorers.{name}").HIGHEST
    items = [
        (sample, text)
        for sample in case.samples
        for text in (*TEXTS, *sample.answers, f"It is {sample.answers[0]}!")
    ]
    for found in _score(name, case, items):
        assert 0.0 <= found.strict <= found.knowledge <= highest


@pytest.mark.parametrize(("name", "case"), PAIRS)
@settings(max_examples=30)
@given(data=st.data())
def test_any_text_around_a_right_answer_keeps_the_bounds(name, case, data):
    """S ≤ K ≤ the maximum, what has no word has no form, and the same text has the same verdict."""
    highest = importlib.import_module(f"cvit_bench.scorers.{name}").HIGHEST
    sample = data.draw(st.sampled_from(case.samples))
    around = st.text(max_size=8)
    text = data.draw(
        st.one_of(around, st.builds("{} {} {}".format, around, st.just(sample.answers[0]), around))
    )
    items = [(sample, text), *((other, "x") for other in case.samples)]
    found = _score(name, case, items)[0]
    assert 0.0 <= found.strict <= found.knowledge <= highest
    assert text.strip() or (found.knowledge, found.form) == (0.0, False)
    assert _score(name, case, items)[0] == found


@pytest.mark.parametrize("name", [*SCORERS, *(f"released.{name}" for name in RELEASED)])
def test_an_answer_that_repeats_one_sign_takes_no_time(name):
    """A model that runs on writes the same sign until it is stopped."""
    case = CASES.get(name, [CAPTIONS])[0]
    asked = Sample("s", "?", case.samples[0].answers[:1] * 10, case.samples[0].choices)
    started = time.process_time()
    for sign in (".", "!", " ", "\n", "\n\n.", "[", "(", "1", "1.", "A ", "'", "_", "-"):
        _score(name, case, [(asked, f"x{sign * 20_000}x")])
    assert time.process_time() - started < 4


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_a_sample_without_references_is_never_right(name, case):
    sample = Sample("none", "?", ())
    for found in _score(name, case, [(sample, text) for text in TEXTS]):
        assert (found.strict, found.knowledge) == (0.0, 0.0)
