import re

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.report.run_report import build_run_report, leading_metrics, write_run_report


@pytest.fixture(scope="module")
def sequential(make):
    """Give the page of a run that forgets, made once."""
    return build_run_report(make.sequential())


@pytest.fixture(scope="module")
def better(make):
    """Give the page of a run with cells left out, made once."""
    return build_run_report(make.better())


def test_the_page_is_written_beside_the_results(make, save, sequential):
    run_dir = save(make.sequential())
    path = write_run_report(run_dir)
    assert path == run_dir / "report.html"
    assert path.read_text(encoding="utf-8") == sequential


def test_headline_metrics_come_with_intervals_words_and_formula(sequential):
    card = re.search(r'<article class="card">\s*<h3>BWT.*?</article>', sequential, re.DOTALL)
    assert card
    for part in ("−54.8", "−57.3 to −52.3", "How much earlier tasks changed.", "<summary>Formula</summary>"):
        assert part in card[0]


def test_an_undefined_metric_is_a_dash_with_its_reason(make):
    page = build_run_report(make.multitask())
    card = re.search(r'<article class="card">\s*<h3>BWT.*?</article>', page, re.DOTALL)
    assert card
    assert 'title="the run does not train one task after another">–<' in card[0]
    assert "Undefined: the run does not train one task after another." in card[0]


def test_a_run_without_leading_metrics_shows_what_it_has(make):
    results = make.sequential()
    lone = results.model_copy(update={"metrics": (make.metric(5.0),)})
    assert leading_metrics(lone) == [make.metric(5.0)]


def test_cells_that_were_not_run_are_dashes_not_zeros(better, sequential):
    assert better.count('title="not run">–<') == 3 * 3
    assert 'title="not run">–<' not in sequential


def test_one_stage_has_matrices_but_no_curves(make):
    page = build_run_report(make.zero_shot())
    assert "<svg" not in page
    assert page.count('class="heat"') == 3


def test_every_point_of_a_curve_says_its_value(sequential):
    assert 'aria-label="Fruits, stage 1 (fruits): S 84.5, interval 78.3 to 90.3"' in sequential
    assert 'aria-label="Score of Fruits at every stage"' in sequential


def test_provenance_names_weights_and_versions(sequential):
    for part in ("base.sha256", "ab" * 32, "versions.transformers", "stages.1.name"):
        assert part in sequential


@pytest.mark.parametrize(
    ("letter", "rows", "message"),
    [
        ("S", ((1.0,) * 5,), r"results\.json: matrices\.S: 1 rows for 5 stages"),
        ("F", ((1.0,) * 4,) * 5, r"results\.json: matrices\.F\.0: 4 columns for 5 tasks"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(make, save, letter, rows, message):
    results = make.sequential()
    matrices = results.matrices.model_copy(update={letter: rows})
    run_dir = save(results.model_copy(update={"matrices": matrices}))
    with pytest.raises(CvitBenchError, match=message):
        write_run_report(run_dir)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda found: {"stages": ()}, r"results\.json: stages: there is none"),
        (lambda found: {"cells": (found.cells[0].model_copy(update={"stage": 77}),)},
         r"results\.json: cells\.0\.stage: 77, but the last stage is 4"),
        (lambda found: {"cells": (found.cells[0].model_copy(update={"task": "else"}),)},
         r"results\.json: cells\.0\.task: unknown task 'else'"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_one_another_are_refused(make, save, changes, message):
    results = make.sequential()
    with pytest.raises(CvitBenchError, match=message):
        write_run_report(save(results.model_copy(update=changes(results))))


def test_a_run_without_results_is_refused(tmp_path):
    with pytest.raises(CvitBenchError, match=r"results\.json: no such file"):
        write_run_report(tmp_path)
