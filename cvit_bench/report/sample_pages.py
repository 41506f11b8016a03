"""The sample browser of a run: a page a task in `report/`, its pictures beside it.

A page is whole without scripts; one adds choosing by outcome and by the stage at which samples were lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.records.files import write_text
from cvit_bench.records.results import Results
from cvit_bench.report.pictures import write_picture
from cvit_bench.report.render import render
from cvit_bench.report.sample_rows import Row, Source, TaskRows, read_losses, task_rows

FOLDER = "report"
PICTURES = "pictures"
PAGE = 1000
OUTCOMES = {
    "right": "right, form kept",
    "right-broken": "right, form broken",
    "wrong": "wrong, form kept",
    "wrong-broken": "wrong, form broken",
}


@dataclass(frozen=True)
class SamplePages:
    """The pages of one task, relative to the report, and how many samples were lost at each stage."""

    name: str
    title: str
    num: int
    files: tuple[str, ...]
    lost: tuple[int, ...]


def write_sample_pages(run_dir: Path, results: Results, source: Source) -> tuple[SamplePages, ...]:
    """Write the pages of all tasks; pages of an earlier report go."""
    folder, losses = run_dir / FOLDER, read_losses(run_dir, results)
    found = tuple(
        _write_task(folder, results, rows)
        for task in results.tasks
        if (rows := task_rows(run_dir, results, task.name, source, losses)) is not None
    )
    written = {Path(file).name for pages in found for file in pages.files}
    for old in folder.glob("*.html"):
        if old.name not in written:
            old.unlink()
    return found


def _write_task(folder: Path, results: Results, task: TaskRows) -> SamplePages:
    parts = list(_parts(task.rows))
    names = [f"{task.name}-{number}.html" for number in range(1, len(parts) + 1)]
    lost = Counter(row.lost.stage for row in task.rows if row.lost)
    for at, rows in enumerate(parts):
        text = render(
            "samples.html.j2",
            results=results,
            task=task,
            rows=rows,
            first=at * PAGE + 1,
            names=names,
            at=at,
            pictures={row.id: _picture(row, folder) for row in rows},
            outcomes=OUTCOMES,
            stages=[stage for stage in range(len(results.stages)) if lost[stage]],
            lost=lost,
            titles={one.name: one.title for one in results.tasks},
        )
        write_text(folder / names[at], text)
    counts = tuple(lost[stage] for stage in range(len(results.stages)))
    return SamplePages(
        task.name, task.title, len(task.rows), tuple(f"{FOLDER}/{name}" for name in names), counts
    )


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), PAGE):
        yield rows[start : start + PAGE]


def _picture(row: Row, folder: Path) -> str | None:
    name = None if row.picture is None else write_picture(row.picture, folder / PICTURES)
    return None if name is None else f"{PICTURES}/{name}"
