"""A leaderboard's data as text: every run and metric, nothing averaged."""

import csv
import io
from collections.abc import Sequence

from cvit_bench.records.entry import Entry
from cvit_bench.report.board import by_ap
from cvit_bench.report.columns import described
from cvit_bench.report.groups import group_runs, router_seed
from cvit_bench.text import spreadsheet_cell


def as_csv(entries: Sequence[Entry]) -> str:
    """Return entries and all their metrics as comma-separated values."""
    names = list(described(entry.metrics for entry in entries))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    ends = [f"{name}{end}" for name in names for end in ("", "_ci_low", "_ci_high")]
    routers = ["router_seed"] if any(group.routed for group in group_runs(entries)) else []
    head = ["kind", "name", "title", "method", "schedule", "task_identity", "seeds", *routers, "n"]
    writer.writerow([*head, *ends])
    writer.writerows(_csv_line(entry, names, bool(routers)) for entry in sorted(entries, key=by_ap))
    return table.getvalue()


def _csv_line(entry: Entry, names: Sequence[str], has_routers: bool) -> list[object]:
    by_id = {metric.id: metric for metric in entry.metrics}
    seeds = " ".join(str(seed) for seed in entry.seeds)
    head: list[object] = [entry.kind, entry.name, entry.title, entry.method, entry.schedule]
    head += [entry.task_identity, seeds, *([router_seed(entry)] if has_routers else [])]
    numbers: list[float | None] = []
    for name in names:
        metric = by_id.get(name)
        numbers += [metric.value, metric.ci_low, metric.ci_high] if metric else [None, None, None]
    return [*map(spreadsheet_cell, head), sum(task.n or 0 for task in entry.tasks), *numbers]
