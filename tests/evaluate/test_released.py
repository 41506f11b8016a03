"""Strict and released scores of the same answers, side by side in results and score files."""

import json

import pyarrow.parquet as pq
import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.report.run_report import build_run_report
from cvit_bench.report.terminal import results_text


@pytest.fixture
def collapsed(toy):
    """Return the toy run with a released scorer for fruit, and a last stage that says nothing about it."""
    toy.edit("tasks/fruit.yaml", released_scorer="imagenet")
    path = toy.script("03-count")
    answers = json.loads(path.read_text())["answers"]
    silent = {key: "" if key.startswith("fruit/") else text for key, text in answers.items()}
    toy.edit_script("03-count", answers=silent)
    return toy


def _evaluated(toy, **options):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **options))


def test_silence_is_forgetting_for_us_and_a_full_score_as_released(collapsed):
    results = _evaluated(collapsed)
    assert results.matrices.S[-1][:3] == (0, 75, 100)
    assert results.released.scorers == {"fruit": "imagenet"}
    assert results.released.S[-1][:3] == (100, 75, 100)
    assert results.released.S[1] == results.matrices.S[1]
    assert (results.matrices.F[-1][0], results.released.F[-1][0]) == (0, 100)


def test_metrics_of_the_released_matrices_stand_beside_the_strict_ones(collapsed):
    results = _evaluated(collapsed)
    found = {one.id: one for one in results.released.metrics}
    assert found["ap"].value == pytest.approx((100 + 75 + 100) / 3, abs=1e-5)
    assert results.metric("ap").value == pytest.approx((0 + 75 + 100) / 3, abs=1e-5)
    assert found["bwt_tm1"].value == pytest.approx((0 - 25) / 2)
    assert results.metric("bwt_tm1").value == pytest.approx((-100 - 25) / 2)
    assert found["mif"].value == pytest.approx((100 + 75 + 100) / 3, abs=1e-5)
    assert all(one.ci_low <= one.value <= one.ci_high for one in found.values() if one.value is not None)


def test_other_numbers_do_not_depend_on_a_released_scorer(collapsed):
    with_twin = _evaluated(collapsed)
    collapsed.edit("tasks/fruit.yaml", released_scorer=None)
    without = rescore(collapsed.run_dir, collapsed.data)
    assert without.released is None
    assert with_twin.model_copy(update={"released": None}) == without


def test_score_files_keep_both(collapsed):
    _evaluated(collapsed)
    rows = pq.read_table(collapsed.run_dir / "scores" / "03-count" / "fruit.parquet").to_pylist()
    assert [(row["strict"], row["released"], row["released_form"]) for row in rows] == [(0, 1, 1)] * 4
    other = pq.read_table(collapsed.run_dir / "scores" / "03-count" / "pick.parquet").to_pylist()
    assert all(row["released"] is None and row["released_form"] is None for row in other)


def test_report_and_terminal_show_both_and_their_difference(collapsed):
    results = _evaluated(collapsed)
    page = build_run_report(results)
    part = page[page.index('id="released"') : page.index('id="stages"')]
    assert "imagenet" in part
    for text in (results_text(results), part):
        assert "58.3" in text
        assert "91.7" in text
        assert "33.3" in text


def test_an_unknown_released_scorer_is_named(collapsed):
    collapsed.edit("tasks/fruit.yaml", released_scorer="imagnet")
    with pytest.raises(CvitBenchError, match=r"'fruit': unknown released scorer 'imagnet'.*'imagenet'"):
        _evaluated(collapsed)
    assert not (collapsed.run_dir / "predictions").exists()
