"""Leaderboards: `<suite>/entries/*.json` in, `<suite>/index.html` out, the same bytes every time."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cvit_bench.records.entry import Entry
from cvit_bench.records.files import write_text
from cvit_bench.records.load import read_text
from cvit_bench.records.results import MetricResult
from cvit_bench.report.board import Row, build_rows, is_ranked, run_lines, shown_columns, undefined_reasons
from cvit_bench.report.cards import cards
from cvit_bench.report.columns import LEADING, described
from cvit_bench.report.csv_text import as_csv
from cvit_bench.report.downloads import citation, downloads
from cvit_bench.report.entries import load_entries, suites
from cvit_bench.report.published import PublishedTable, published_tables
from cvit_bench.report.render import render
from cvit_bench.report.scatter import scatter, scatter_marks
from cvit_bench.report.task_scores import TaskTable, task_columns, task_table

PAGE = "index.html"
_LINES, _WIDTH = 20, 160


@dataclass(frozen=True)
class SuiteLine:
    """A suite in the index."""

    name: str
    version: int | None
    tasks: tuple[str, ...]
    num_runs: int
    num_published: int
    ahead: tuple[str, ...]


@dataclass(frozen=True)
class Typed:
    """Scores without samples of one source, with the metrics that they have."""

    source: str
    entries: tuple[Entry, ...]
    metrics: dict[str, MetricResult]
    tasks: TaskTable


def build_leaderboard(out: Path, suite: str) -> str:
    """Return the html text of a suite's leaderboard."""
    return _files(out, suite)[PAGE]


def _files(out: Path, suite: str) -> dict[str, str]:
    """Return the page of a suite and what is downloaded from it, by name; entries are ranked once."""
    entries = load_entries(out, suite)
    rows = build_rows(entries)
    runs = [row for row in rows if row.entry.kind == "run"]
    page = _page(suite, entries, rows, published_tables(out, suite))
    return {PAGE: page, **downloads(suite, entries, runs, shown_columns(runs))}


def _page(
    suite: str, entries: Sequence[Entry], rows: Sequence[Row], protocols: Sequence[PublishedTable]
) -> str:
    runs = [row for row in rows if row.entry.kind == "run"]
    published = [row.entry for row in rows if row.entry.kind == "published"]
    ordered = [row.entry for row in runs] + published
    columns = shown_columns(runs)
    marks = scatter_marks([row.entry for row in runs])
    metrics = described(entry.metrics for entry in ordered)
    printed = described([one for one in entry.metrics if one.value is not None] for entry in published)
    shown = {column.id for column in LEADING} | set(printed)
    return render(
        "leaderboard.html.j2",
        suite=suite,
        version=entries[0].suite_version if entries else None,
        runs=runs,
        lines=run_lines(runs, columns),
        num_runs=sum(len(row.group.runs) for row in runs),
        reasons=undefined_reasons(runs),
        typed=_by_source(published),
        protocols=protocols,
        columns=columns,
        cards=cards(runs),
        citation=citation(suite, runs),
        has_downloads=bool(runs),
        run_tasks=task_table([row.entry for row in runs]),
        marks=marks,
        figure=scatter(marks),
        metrics=metrics,
        legend=[metric for name, metric in metrics.items() if name in shown],
        others=[metric for name, metric in metrics.items() if name not in shown],
        csv=as_csv(entries) if entries else None,
    )


def _by_source(entries: Sequence[Entry]) -> list[Typed]:
    """Put scores without samples together by where they come from: no table mixes two protocols."""
    together: dict[str, list[Entry]] = {}
    for entry in entries:
        together.setdefault(entry.source or "source not stated", []).append(entry)
    return [
        Typed(
            source,
            tuple(found),
            described([one for one in entry.metrics if one.value is not None] for entry in found),
            task_table(found),
        )
        for source, found in together.items()
    ]


def write_leaderboard(out: Path, suite: str) -> Path:
    """Write `<suite>/index.html` and what is downloaded from it; return the page's path."""
    for name, text in _files(out, suite).items():
        write_text(out / suite / name, text)
    return out / suite / PAGE


def check_leaderboard(out: Path, suite: str) -> list[str]:
    """Return how the page and its downloads differ from what the entries give; nothing where they do not."""
    wanted = _files(out, suite)
    return [line for name, text in wanted.items() for line in _differences(out / suite / name, text)]


def build_index(out: Path) -> str:
    """Return the html text of the index over all suites that have entries."""
    return render("index.html.j2", suites=[_suite_line(out, suite) for suite in suites(out)])


def write_index(out: Path) -> Path:
    """Write `index.html` over all suites."""
    path = out / PAGE
    write_text(path, build_index(out))
    return path


def check_index(out: Path) -> list[str]:
    """Return how the index on disk differs from what the entries give."""
    return _differences(out / PAGE, build_index(out))


def _suite_line(out: Path, suite: str) -> SuiteLine:
    entries: list[Entry] = load_entries(out, suite)
    rows, tables = build_rows(entries), published_tables(out, suite)
    return SuiteLine(
        name=suite,
        version=entries[0].suite_version if entries else None,
        tasks=tuple(task.title for task in task_columns(entries)) or _printed_tasks(tables),
        num_runs=sum(entry.kind == "run" for entry in entries),
        num_published=sum(entry.kind == "published" for entry in entries)
        + sum(table.num_figures for table in tables),
        ahead=tuple(
            row.entry.title for row in rows if is_ranked(row.entry) and row.rank.split("–")[0] == "1"
        ),
    )


def _printed_tasks(tables: Sequence[PublishedTable]) -> tuple[str, ...]:
    """Return the tasks of the protocol with the most of them."""
    return max((table.about.tasks for table in tables), key=len, default=())


def _differences(path: Path, wanted: str) -> list[str]:
    if not path.exists():
        return [f"{path}: no such file"]
    if path.read_bytes() == wanted.encode("utf-8"):
        return []
    lines = difflib.unified_diff(
        read_text(path).splitlines(), wanted.splitlines(), "on disk", "from the entries", n=0, lineterm=""
    )
    shown = [f"{path}: {line[:_WIDTH]}" for line in islice(lines, _LINES)]
    return shown or [f"{path}: line ends or encoding differ"]
