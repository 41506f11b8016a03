"""Synthetic results: a run that forgets, a joint one, an untouched base, and one that forgets little."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cvit_bench.records.load import save_json
from cvit_bench.records.results import RESULTS, MetricResult, Results
from cvit_bench.report.adding import add_entry

TASKS = ("fruits", "shapes", "digits", "captions", "sketches")
TITLES = ("Fruits", "Shapes and colours", "Digits", "Short captions", "Sketches")
SCORERS = ("option_letter", "exact_match", "number", "cider", "option_letter")
FORMS = ("option_letter", "short_answer", "number", "sentence", "option_letter")
UNSEEN = frozenset({"sketches"})
NUM_SAMPLES = 200

METRICS: dict[str, tuple[str, str, str, bool]] = {
    "ap": ("AP", "Mean score over the train tasks after the last stage.", "mean_j R[T,j]", True),
    "map": ("MAP", "Mean of AP over all stages.", "mean_t mean_{j≤t} R[t,j]", True),
    "bwt_tm1": ("BWT", "How much earlier tasks changed.", "mean_{j<T} (R[T,j] − R[j,j])", True),
    "seeing": ("Seeing", "Part of BWT that is lost knowledge.", "mean_{j<T} (K[T,j] − K[j,j])", True),
    "obeying": ("Obeying", "Part of BWT that is known, not said.", "mean_{j<T} (G[j,j] − G[T,j])", True),
    "forgetting": ("Forgetting", "Loss since the best score.", "mean_j max_t R[t,j] − R[T,j]", False),
    "mif": ("MIF", "Share of answers that keep the form.", "mean_j F[T,j]", True),
    "unseen": ("Unseen", "Mean score over tasks never trained on.", "mean_{u∈U} R[T,u]", True),
    "learning_accuracy": ("Learning", "Mean score right after training.", "mean_j R[j,j]", True),
}  # fmt: skip

Rows = list[list[float | None]]

SEQUENTIAL: Rows = [
    [21.0, 8.5, 3.0, 12.4, 25.5],
    [84.5, 30.0, 11.0, 9.8, 41.0],
    [61.0, 91.0, 14.5, 10.1, 36.5],
    [38.5, 55.5, 96.0, 7.7, 30.0],
    [17.0, 33.5, 62.0, 118.3, 22.5],
]
VALUES = {
    "ap": 57.7, "map": 68.9, "bwt_tm1": -54.8, "seeing": -38.4, "obeying": -16.4,
    "forgetting": 54.8, "mif": 71.2, "unseen": 22.5,
}  # fmt: skip


def make_results(run: str = "lora-seq", **changes: Any) -> Results:
    """Return a sequential run of five stages that forgets; any field may be changed."""
    matrix = changes.pop("matrix", SEQUENTIAL)
    values = changes.pop("values", VALUES)
    half = changes.pop("half", 2.5)
    trained = changes.pop("trained", [(), *((name,) for name in TASKS if name not in UNSEEN)])
    form: Rows = [[None if v is None else min(100.0, 40 + v * 0.6) for v in row] for row in matrix]
    knowledge: Rows = [[None if v is None else v + 0.3 * max(0.0, 90 - v) for v in row] for row in matrix]
    fields: dict[str, Any] = {
        "run": run,
        "suite": "mini",
        "suite_version": 1,
        "method": "lora",
        "title": "LoRA, one task after another",
        "schedule": "sequential",
        "seeds": (0,),
        "task_identity": "none",
        "templates": "single",
        "variants": ("v1",),
        "stages": [{"name": "base" if not tasks else "-".join(tasks), "tasks": tasks} for tasks in trained],
        "tasks": [_task(at) for at in range(len(TASKS))],
        "cells": _cells(matrix, knowledge, form),
        "matrices": {"S": matrix, "K": knowledge, "F": form},
        "task_scores": _task_scores(matrix[-1], half),
        "metrics": [_metric(name, values.get(name), half) for name in METRICS],
        "provenance": {
            "base": {"path": "embedded:mini", "sha256": "ab" * 32},
            "stages": [{"name": "fruits", "sha256": "cd" * 32}, {"name": "shapes", "sha256": "ef" * 32}],
            "versions": {"cvit-bench": "0.1.0", "torch": "2.13.0", "transformers": "5.2.0"},
            "selftest": None,
        },
    }
    return Results.model_validate(fields | changes)


def multitask(run: str = "lora-joint", **changes: Any) -> Results:
    """Return a joint run: one stage on everything, so nothing can be forgotten."""
    given: dict[str, Any] = {
        "title": "LoRA, all tasks together",
        "schedule": "multitask",
        "matrix": [SEQUENTIAL[0], [83.0, 89.5, 95.0, 112.0, 44.0]],
        "trained": [(), tuple(name for name in TASKS if name not in UNSEEN)],
        "values": {"ap": 94.9, "mif": 99.1, "unseen": 44.0},
    }
    return make_results(run, **(given | changes))


def zero_shot(run: str = "base", **changes: Any) -> Results:
    """Return the untouched base: stage 0 alone."""
    given: dict[str, Any] = {
        "method": "zero_shot",
        "title": "Untouched base",
        "schedule": "none",
        "seeds": (),
        "matrix": [SEQUENTIAL[0]],
        "trained": [()],
        "values": {"ap": 11.2, "mif": 50.4, "unseen": 25.5},
    }
    return make_results(run, **(given | changes))


def better(run: str = "smolora", **changes: Any) -> Results:
    """Return a sequential run that forgets little and leaves one cell out."""
    given: dict[str, Any] = {
        "method": "smolora",
        "title": "SMoLoRA",
        "task_identity": "inferred",
        "seeds": (0, 1, 2),
        "matrix": [
            [21.0, 8.5, 3.0, 12.4, 25.5],
            [85.0, None, None, 11.0, 40.0],
            [82.0, 90.0, None, 11.5, 42.5],
            [80.5, 86.5, 95.0, 12.0, 43.0],
            [78.0, 84.0, 93.5, 110.2, 45.5],
        ],
        "values": {"ap": 91.4, "map": 88.1, "bwt_tm1": -4.8, "forgetting": 4.9, "mif": 97.0, "unseen": 45.5},
    }
    return make_results(run, **(given | changes))


def _task_scores(row: list[float | None], half: float) -> list[dict[str, Any]]:
    return [
        {"task": name, "strict": {"value": value, "ci_low": value - half, "ci_high": value + half}}
        for name, value in zip(TASKS, row, strict=True)
        if value is not None
    ]


def _task(at: int) -> dict[str, Any]:
    return {
        "name": TASKS[at],
        "title": TITLES[at],
        "scorer": SCORERS[at],
        "answer_form": FORMS[at],
        "unseen": TASKS[at] in UNSEEN,
        "n": NUM_SAMPLES,
    }


def _cells(strict: Rows, knowledge: Rows, form: Rows) -> list[dict[str, Any]]:
    return [
        {
            "stage": stage,
            "task": name,
            "variant": "v1",
            "n": NUM_SAMPLES,
            "strict": _estimate(value),
            "knowledge": _estimate(knowledge[stage][at] or 0.0),
            "form": _estimate(form[stage][at] or 0.0),
        }
        for stage, row in enumerate(strict)
        for at, (name, value) in enumerate(zip(TASKS, row, strict=True))
        if value is not None
    ]


def _estimate(value: float) -> dict[str, float]:
    return {"value": value, "ci_low": max(0.0, value - 6.2), "ci_high": value + 5.8}


def _metric(name: str, value: float | None, half: float) -> dict[str, Any]:
    label, description, formula, higher = METRICS[name]
    given: dict[str, Any] = {
        "id": name,
        "label": label,
        "description": description,
        "formula": formula,
        "higher_is_better": higher,
        "value": value,
    }
    if value is None:
        return given | {"reason": "the run does not train one task after another"}
    return given | {"ci_low": value - half, "ci_high": value + half, "n": 4 * NUM_SAMPLES}


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Give the factories of synthetic results."""
    return SimpleNamespace(
        sequential=make_results, multitask=multitask, zero_shot=zero_shot, better=better, metric=metric
    )


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Results], Path]:
    """Give a function that writes results into a run directory of their own."""

    def saved(results: Results) -> Path:
        run_dir = tmp_path / "runs" / results.run
        save_json(run_dir / RESULTS, results)
        return run_dir

    return saved


@pytest.fixture
def board(tmp_path: Path, save: Callable[[Results], Path]) -> Path:
    """Give a folder of leaderboards with four entries."""
    out = tmp_path / "leaderboards"
    for results in (make_results(), better(), multitask(), zero_shot()):
        add_entry(save(results), out)
    return out


def metric(value: float | None, half: float | None = 1.0, higher: bool = True) -> MetricResult:
    """Return a metric with an interval of `half` on both sides; None leaves the interval out."""
    bare = value is None or half is None
    return MetricResult(
        id="m",
        label="M",
        description="",
        formula="",
        value=value,
        ci_low=None if bare else value - half,
        ci_high=None if bare else value + half,
        higher_is_better=higher,
    )
