"""The table of a filled leaderboard as markdown, and everything behind it as plain data."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from tabulate import tabulate

from benchmarks.board_choice import Grid
from benchmarks.board_jobs import CHOICE_SEED, CHOICE_STAGES, HOLDOUT, Kind
from benchmarks.board_state import Ran, State
from cvit_bench.errors import CvitBenchError
from cvit_bench.report.columns import LEADING, Column, find
from cvit_bench.report.groups import Group, group_runs, router_seed

COLUMNS = (*LEADING, Column("Learning acc.", "learning_accuracy"))
TOOK = ("results", "train_seconds", "evaluate_seconds", "weights", "rank")
KINDS: tuple[Kind, ...] = ("rate", "strength")
Rows = list[Sequence[object]]

_ABOUT = """Mean ± standard deviation over training seeds, in percent; captions are CIDEr × 100. The
standard deviation over router seeds, with one training seed, stands apart. References are no rivals.
Learning rates and strengths were chosen on {share:.0%} of the train samples, which those runs did not learn
from: mean S over tasks 1–{stages} after stage {stages}, seed {seed}; test samples had no say{elsewhere}.
`*`: the best lies at the edge of its grid. Seconds are the mean of runs done in one go: {seconds}. Weights
are those that learn at the first stage."""


def report(state: State, command: str) -> str:
    """Return the whole report."""
    clock = "processor seconds of one thread" if state.plan.device == "cpu" else "wall seconds"
    elsewhere = "".join(
        f"; {suite} takes over what was chosen on {state.plan.choice(suite)}"
        for suite in state.plan.suites
        if state.plan.choice(suite) != suite
    )
    about = _ABOUT.format(
        share=HOLDOUT, stages=CHOICE_STAGES, seed=CHOICE_SEED, seconds=clock, elsewhere=elsewhere
    )
    parts = ["# Leaderboards", about, f"```sh\n{command}\n```"]
    for suite in state.plan.suites:
        parts += [f"## {suite}", _means(state, suite), "Each run:", _each(state, suite)]
        parts += ["What settings were chosen by, mean S on held-out samples:", _grids(state, suite)]
    if state.failures:
        rows: Rows = [(job.suite, job.name, why) for job, why in state.failures.items()]
        parts += ["## Failed", _table(("suite", "run", "why"), rows)]
    if state.waiting:
        parts.append(f"{len(state.waiting)} of {len(state.jobs)} runs are not done yet.")
    return "\n\n".join(parts) + "\n"


def everything(state: State, command: str) -> dict[str, Any]:
    """Return grids, choices, runs and what they took, as values that JSON can hold."""
    return {
        "command": command,
        "choice": {"holdout": HOLDOUT, "stages": CHOICE_STAGES, "seed": CHOICE_SEED},
        "suites": {
            suite: {name: _contender(state, suite, name) for name in state.plan.contenders}
            for suite in state.plan.suites
        },
        "failed": [{"suite": job.suite, "run": job.name, "why": why} for job, why in state.failures.items()],
        "not_done": [{"suite": job.suite, "run": job.name} for job in state.waiting],
    }


def _contender(state: State, suite: str, name: str) -> dict[str, Any]:
    grids = {kind: _grid(state, suite, name, kind) for kind in KINDS}
    return {
        **state.plan.contenders[name].model_dump(mode="json"),
        "grids": {kind: asdict(found)["points"] for kind, found in grids.items() if found},
        "chosen": {kind: _best(found) for kind, found in grids.items() if found},
        "runs": [_run(ran) for ran in state.ran(suite, name)],
    }


def _run(ran: Ran) -> dict[str, Any]:
    return {
        "name": ran.job.name,
        "seed": ran.job.seed,
        "router_seed": router_seed(ran.entry),
        "metrics": {
            metric.id: {"value": metric.value, "ci_low": metric.ci_low, "ci_high": metric.ci_high}
            for metric in ran.entry.metrics
        },
        "matrices": ran.entry.matrices.model_dump(mode="json"),
        "commands": [shlex.join(["cvit-bench", *words]) for words in ran.outcome.commands],
        **ran.outcome.model_dump(mode="json", include=set(TOOK)),
    }


def _means(state: State, suite: str) -> str:
    rows: Rows = []
    for name in state.plan.contenders:
        for group in group_runs([ran.entry for ran in state.ran(suite, name)]):
            ran = [one for one in state.ran(suite, name) if one.entry in group.runs]
            rows.append((group.mean.title, *_values(group), *_took(ran), *_chosen(state, suite, name),
                         f"{ran[0].outcome.weights:,}", ran[0].outcome.rank))  # fmt: skip
    headers = ("method", *(column.label for column in COLUMNS), "seeds", "train s", "eval s", "rate",
               "strength", "weights", "total rank")  # fmt: skip
    return _table(headers, rows)


def _values(group: Group) -> list[object]:
    cells: list[object] = []
    for column in COLUMNS:
        metric, spread = find(group.mean.metrics, column), group.spread(column)
        value = None if metric is None or metric.value is None else f"{metric.value:.1f}"
        seeds = "" if spread.seeds is None else f" ± {spread.seeds:.1f}"
        routers = "" if spread.routers is None else f" (routers ± {spread.routers:.1f})"
        cells.append(value and f"{value}{seeds}{routers}")
    return [*cells, len(group.mean.seeds) or None]


def _took(runs: Sequence[Ran]) -> tuple[object, object]:
    def mean(times: list[float | None]) -> float | None:
        known = [time for time in times if time is not None]
        return fmean(known) if known else None

    return mean([ran.outcome.train_seconds for ran in runs]), mean(
        [ran.outcome.evaluate_seconds for ran in runs]
    )


def _chosen(state: State, suite: str, name: str) -> list[object]:
    grids = [_grid(state, suite, name, kind) for kind in KINDS]
    return [f"{found.best.value:g}{'*' if found.at_edge else ''}" if found else None for found in grids]


def _each(state: State, suite: str) -> str:
    rows: Rows = []
    for name in state.plan.contenders:
        for ran in state.ran(suite, name):
            found = [find(ran.entry.metrics, column) for column in COLUMNS]
            values = [metric and metric.value for metric in found]
            rows.append((ran.entry.title, ran.job.name, ran.job.seed, router_seed(ran.entry), *values))
    headers = ("method", "run", "seed", "router seed", *(column.label for column in COLUMNS))
    return _table(headers, rows)


def _grids(state: State, suite: str) -> str:
    rows: Rows = []
    for name, contender in state.plan.contenders.items():
        for kind in KINDS:
            found = _grid(state, suite, name, kind)
            key = (
                "training.learning_rate" if kind == "rate" else contender.strength and contender.strength.key
            )
            if found is not None:
                rows.append((name, key, ", ".join(_points(found))))
    return _table(("method", "setting", "value: mean S"), rows)


def _points(grid: Grid) -> list[str]:
    best = _best(grid)
    texts = {
        point.value: f"{point.value:g}: " + ("diverged" if point.score is None else f"{point.score:.1f}")
        for point in grid.points
    }
    return [f"**{text}**" if value == best else text for value, text in texts.items()]


def _grid(state: State, suite: str, name: str, kind: Kind) -> Grid | None:
    """Return a grid that is whole, None for one that is not."""
    try:
        return state.grid(suite, name, kind)
    except CvitBenchError:
        return None


def _best(grid: Grid) -> float | None:
    return grid.best.value if any(point.score is not None for point in grid.points) else None


def _table(headers: Sequence[str], rows: Rows) -> str:
    texts = [[_text(value) for value in row] for row in rows]
    return str(tabulate(texts, headers, tablefmt="pipe", disable_numparse=True))


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
