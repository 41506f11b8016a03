"""What a terminal shows of robustness, stages and few shots, from a scripted run."""

import re

import pytest

from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.results import Estimate, FewShot, FewShotCurve, FewShotPoint
from cvit_bench.report.run_report import build_run_report
from cvit_bench.report.terminal import results_text


def _estimate(value):
    return Estimate(value=value, ci_low=value, ci_high=value)


@pytest.fixture
def results(toy):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=None))


def _table(text, title):
    """Return the words of each line under a title, up to the next blank line."""
    lines = text.split(title)[1].split("\n\n")[0].splitlines()[1:]
    return [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_metrics_along_the_stages(results):
    rows = _table(results_text(results), "Metrics as if the run had ended at each stage")
    assert rows[0] == ["metric", "0", "1", "2", "3"]
    assert ["Unseen", "50.0", "50.0", "25.0", "0.0"] in rows
    assert ["BWT", "–", "–", "-50.0", "-50.0"] in rows


def test_wordings_of_each_task(results):
    rows = _table(results_text(results), "S over the wordings of each task, last stage")
    assert rows[2] == ["fruit", "25.0", "25.0", "v0", "0.0", "100.0", "100.0", "0.0"]
    assert len(rows) == 2 + 4


def test_few_shot_curves_have_a_column_a_count(results):
    points = tuple(FewShotPoint(shots=num, strict=_estimate(10.0 * num)) for num in (0, 2))
    curves = (
        FewShotCurve(task="yesno", base=_estimate(7), points=points),
        FewShotCurve(task="other", points=(FewShotPoint(shots=5, strict=_estimate(99)),)),
    )
    text = results_text(results.model_copy(update={"few_shot_curves": curves}))
    rows = _table(text, "Unseen tasks after so many samples a class, S")
    assert rows[0] == ["task", "tuned from", "0", "2", "5"]
    assert rows[2:] == [
        ["yesno", "last checkpoint", "0.0", "20.0", "–"],
        ["yesno", "base", "7.0", "–", "–"],
        ["other", "last checkpoint", "–", "–", "99.0"],
    ]


def test_what_is_undefined_stands_last_with_its_reason(results):
    last = results_text(results).splitlines()[-3:]
    assert "– Intransigence (multitask): no task was answered by a multitask run too (--reference)" in last
    assert "– New form kept, New form known: no task was asked in another form" in last


def test_a_run_without_any_of_it(toy):
    text = results_text(evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, cells="final")))
    assert "wordings of each task" not in text
    assert "another form, last" not in text
    assert "samples a class" not in text


def _cells(section):
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", section)
    return [
        [name, *(re.sub(r"<span class=\"value\">(.*?)</span>.*", r"\1", cell)
                 for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest))]
        for name, rest in rows
    ]  # fmt: skip


def test_the_page_has_both_curves_and_what_lies_between(results):
    tuned_base = FewShotPoint(shots=2, strict=_estimate(22), base=_estimate(15), added=_estimate(7))
    points = (FewShotPoint(shots=0, strict=_estimate(11)), tuned_base)
    curve = FewShotCurve(task="yesno", base=_estimate(33), points=points)
    tuned = FewShot(
        task="yesno", shots=2, n=4, strict=_estimate(22), knowledge=_estimate(22), form=_estimate(44)
    )
    found = results.model_copy(update={"few_shot_curves": (curve,), "few_shot": (tuned,)})
    section = build_run_report(found).split('aria-labelledby="few-shot"')[1].split("</section>")[0]
    assert _cells(section) == [
        ["Yesno", "0", "11.0", "–", "33.0", "–"],
        ["Yesno", "2", "22.0", "44.0", "15.0", "7.0"],
    ]
    drawn = re.findall(r"(\d) samples a class, from the (last checkpoint|base): S (\d+\.0)", section)
    assert sorted(drawn) == [
        ("0", "base", "33.0"), ("0", "last checkpoint", "11.0"),
        ("2", "base", "15.0"), ("2", "last checkpoint", "22.0"),
    ]  # fmt: skip


def test_scores_of_a_file_without_curves_are_shown(results):
    tuned = FewShot(
        task="yesno", shots=2, n=4, strict=_estimate(22), knowledge=_estimate(22), form=_estimate(44)
    )
    found = results.model_copy(update={"few_shot_curves": (), "few_shot": (tuned,)})
    section = build_run_report(found).split('aria-labelledby="few-shot"')[1].split("</section>")[0]
    assert _cells(section) == [["Yesno", "2", "22.0", "44.0", "–", "–"]]
