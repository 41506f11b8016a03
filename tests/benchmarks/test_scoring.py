"""The plain scorers of the benchmark give what ours give, and its runs are runs that can be scored."""

import pytest

from benchmarks import scoring, scoring_run
from benchmarks.scoring_plain import PLAIN
from cvit_bench import plugins
from cvit_bench.evaluate.score import rescore
from cvit_bench.records.form import AnswerForm


@pytest.mark.parametrize(
    ("name", "form"), [("vqa_accuracy", AnswerForm.SHORT_ANSWER), ("cider", AnswerForm.SENTENCE)]
)
def test_plain_and_ours_are_the_same_number(name, form):
    for cell in scoring.made(form, 120, 40):
        found = plugins.load(plugins.SCORERS, name).score(scoring.task(form), cell)
        assert [one.strict for one in found] == pytest.approx(PLAIN[name](cell), abs=1e-9)


@pytest.mark.parametrize("form", AnswerForm)
def test_answers_are_made_for_every_form(form):
    cells = scoring.made(form, 50, 20)
    assert [len(cell) for cell in cells] == [20, 20, 10]
    right = sum(text == sample.answers[0] for cell in cells for sample, text in cell)
    assert 10 <= right <= 45


def test_a_synthetic_run_can_be_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring_run, "SAMPLES", 8)
    tasks = [f"{name}0" for name in scoring_run.SCORERS]
    scoring_run.write_run(tmp_path, tasks, 2)
    results = rescore(tmp_path / "run", tmp_path / "data")
    assert len(results.cells) == 2 * len(tasks) * scoring_run.WORDINGS
    assert all(10 < value < 100 for row in results.matrices.S for value in row)
