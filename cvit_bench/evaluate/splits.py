"""Forgetting split in two, exactly: what the model sees no more, and what it knows but says no more as asked.

    S[t, j] − S[j, j] = (K[t, j] − K[j, j]) − (G[t, j] − G[j, j]),   G = K − S
       change         =      seeing         +       obeying

for every task j and stage t after its own, for the mean over these stages, and for the mean over the tasks
trained before a stage.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.evaluate.measures import Measured, estimated
from cvit_bench.records.matrix import Array, ScoreMatrix
from cvit_bench.records.results import SplitChange

Place = tuple[int, str, int]
"""A task's own stage, the task, a later stage."""


def splits(run: Measured) -> tuple[SplitChange, ...]:
    """Return the splits of all tasks and stages that were asked; none without a sequence of tasks."""
    try:
        order = run.point["S"].sequence()
    except MetricUndefinedError:
        return ()
    return tuple(_all(run, order))


def _all(run: Measured, order: Sequence[str]) -> Iterator[SplitChange]:
    last = run.point["S"].last
    by_task = [[(own, task, t) for t in range(own + 1, last + 1)] for own, task in enumerate(order, start=1)]
    for places in by_task[:-1]:
        for place in places:
            yield from _split(run, [place], task=place[1], stage=place[2])
        yield from _split(run, places, task=places[0][1])
    for stage in range(2, last + 1):
        places = [place for places in by_task for place in places if place[2] == stage]
        yield from _split(run, places, stage=stage)
        closed = [place for place in places if place[1] not in run.point["S"].open_ended]
        if closed and len(closed) < len(places):
            yield from _split(run, closed, stage=stage, captions=False)


def _split(
    run: Measured,
    places: Sequence[Place],
    task: str | None = None,
    stage: int | None = None,
    captions: bool = True,
) -> Iterable[SplitChange]:
    """Yield the split of a mean over some places; nothing where one of them was not asked."""
    try:
        change, seeing = (_mean(run.point[kind], places) for kind in ("S", "K"))
    except MetricUndefinedError:
        return
    drawn, drawn_seeing = (_mean(run.draws[kind], places) for kind in ("S", "K"))
    yield SplitChange(
        task=task,
        stage=stage,
        captions=captions,
        change=estimated(float(change), drawn),
        seeing=estimated(float(seeing), drawn_seeing),
        obeying=estimated(float(change - seeing), drawn - drawn_seeing),
    )


def _mean(matrix: ScoreMatrix, places: Sequence[Place]) -> Array:
    """Return the mean change of a score over some places, [...]."""
    changes = [matrix.cell(stage, task) - matrix.cell(own, task) for own, task, stage in places]
    return np.asarray(np.mean(changes, axis=0))
