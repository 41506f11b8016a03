"""Strips of wordings and numbers along the stages: what is drawn is what the results hold."""

import re

import pytest

from cvit_bench.records.results import Cell, Estimate, Series, SplitChange, Wordings
from cvit_bench.report.losses import loss_parts, losses
from cvit_bench.report.run_report import build_run_report
from cvit_bench.report.series import series_curves
from cvit_bench.report.strips import strips


def estimate(value):
    return Estimate(value=value, ci_low=value - 2, ci_high=value + 2)


def worded(make):
    """Return results with two wordings of the first task, one of them held out."""
    full = make.sequential()
    task = full.tasks[0].name
    others = [cell for cell in full.cells if cell.task != task]
    scores = {("v0", stage): 10.0 * stage + 5 for stage in range(5)}
    scores |= {("v7", stage): 10.0 * stage for stage in range(5)}
    cells = [
        Cell(stage=stage, task=task, variant=variant, n=9, strict=estimate(score),
             knowledge=estimate(score), form=estimate(50.0))
        for (variant, stage), score in scores.items()
    ]  # fmt: skip
    rows = [
        Wordings(
            stage=stage, task=task, wordings=2, per_sample=2, mean=estimate(10.0 * stage + 2.5),
            worst=estimate(10.0 * stage), worst_variant="v7", spread=estimate(5.0), heldout=("v7",),
        )
        for stage in range(5)
    ]  # fmt: skip
    return full.model_copy(update={"cells": (*others, *cells), "wordings": tuple(rows)})


def test_every_wording_is_a_dot_at_every_stage(make):
    results = worded(make)
    (strip,) = strips(results)
    assert strip.title == results.tasks[0].title
    for stage in range(5):
        about = f"{strip.title}, stage {stage}, wording"
        assert strip.svg.count(f"{about} v0: S {10 * stage + 5}.0") == 1
        assert strip.svg.count(f"{about} v7 (held out): S {10 * stage}.0") == 1


def test_the_last_stage_stands_in_figures(make):
    page = build_run_report(worded(make))
    row = re.search(r'aria-label="Wordings after the last stage, table".*?<tbody>(.*?)</tbody>', page, re.S)[
        1
    ]
    assert row.count("<tr>") == 1
    assert "42.5" in row
    assert "40.0" in row


def test_series_are_drawn_where_they_have_values(make):
    values = (None, None, estimate(-20.0), estimate(-40.0), estimate(-55.0))
    one_value = (None, None, None, None, estimate(3.0))
    series = (Series(id="bwt_tm1", values=values), Series(id="unseen", values=one_value))
    (curve,) = series_curves(make.sequential().model_copy(update={"series": series}))
    assert curve.title == "BWT"
    found = re.findall(r"BWT after stage (\d): (−\d+\.\d), interval", curve.svg)
    assert found == [("2", "−20.0"), ("3", "−40.0"), ("4", "−55.0")]


def test_a_loss_is_the_sum_of_its_parts(make):
    results = make.sequential()
    strict, knowledge = results.matrices.S, results.matrices.K
    for at in range(3):
        parts = loss_parts(results, at)
        assert [stage for stage, _, _ in parts] == list(range(at + 2, 5))
        for stage, seeing, obeying in parts:
            assert seeing + obeying == pytest.approx(strict[at + 1][at] - strict[stage][at])
            assert seeing == pytest.approx(knowledge[at + 1][at] - knowledge[stage][at])
    assert loss_parts(results, 4) == []
    panels = losses(results)
    assert [panel.title for panel in panels] == [task.title for task in results.tasks[:3]]
    assert panels[0].svg.count("points lost of seeing") == 3
    assert losses(results.model_copy(update={"schedule": "per_task"})) == []


def test_losses_are_drawn_and_stand_in_figures_in_one_section(make):
    change = {"change": estimate(-67.5), "seeing": estimate(-47.5), "obeying": estimate(-20.0)}
    results = make.sequential()
    split = SplitChange(task=results.tasks[0].name, stage=4, **change)
    page = build_run_report(results.model_copy(update={"splits": (split,)}))
    (section,) = re.findall(r'<section aria-labelledby="losses">.*?</section>', page, re.S)
    assert section.count("<svg") == 3
    assert [text in section for text in ("−67.5", "−47.5", "−20.0")] == [True] * 3
    for part, figure in (("Split(", 0), ("points lost of obeying", 6)):
        assert section.count(part) == figure
    assert page.count("Obeying</th>") == section.count("Obeying</th>") == 2


def test_nothing_is_drawn_of_what_was_not_asked(make):
    page = build_run_report(make.sequential())
    for name in ("wordings", "series", "form-changes", "samples"):
        assert f'aria-labelledby="{name}"' not in page
