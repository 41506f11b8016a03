"""The report of one run: `results.json` in, a self-contained `report.html` out."""

from collections.abc import Sequence
from pathlib import Path

from cvit_bench.records.files import write_text
from cvit_bench.records.results import RESULTS, MetricResult, Results, load_results
from cvit_bench.records.shape import refuse_ragged
from cvit_bench.report.caveats import caveats
from cvit_bench.report.columns import LEADING, find
from cvit_bench.report.curves import curves
from cvit_bench.report.few_shots import shot_charts, shot_rows
from cvit_bench.report.heatmap import heat_map
from cvit_bench.report.losses import losses
from cvit_bench.report.released import released_part
from cvit_bench.report.render import render
from cvit_bench.report.routes import Routes, read_routes
from cvit_bench.report.sample_pages import SamplePages, write_sample_pages
from cvit_bench.report.sample_rows import Source
from cvit_bench.report.series import series_curves
from cvit_bench.report.split_rows import split_rows
from cvit_bench.report.strips import strips

REPORT = "report.html"


def write_run_report(run_dir: Path, source: Source | None = None) -> Path:
    """Write `report.html` beside the run's `results.json` and return its path.

    With a source of samples their pages are written too, in `report/`.
    """
    results = load_results(run_dir / RESULTS)
    refuse_ragged(run_dir / RESULTS, results)
    path = run_dir / REPORT
    samples = write_sample_pages(run_dir, results, source) if source is not None else ()
    write_text(path, build_run_report(results, read_routes(run_dir), samples))
    return path


def build_run_report(
    results: Results, routes: Routes | None = None, samples: Sequence[SamplePages] = ()
) -> str:
    """Return the html text of a run's report; the same results and routes give the same bytes."""
    leading = leading_metrics(results)
    return render(
        "run_report.html.j2",
        results=results,
        leading=leading,
        others=[metric for metric in results.metrics if metric not in leading],
        maps={letter: heat_map(results, letter) for letter in ("S", "F", "K")},
        titles={task.name: task.title for task in results.tasks},
        splits=split_rows(results),
        curves=curves(results),
        shots=shot_rows(results),
        shot_charts=shot_charts(results),
        routes=routes,
        samples=samples,
        losses=losses(results),
        strips=strips(results),
        series=series_curves(results),
        wordings=[one for one in results.wordings if one.stage == len(results.stages) - 1],
        form_changes=[one for one in results.form_changes if one.stage == len(results.stages) - 1],
        pages={pages.name: pages.files[0] for pages in samples},
        caveats=caveats(results),
        released=released_part(results),
    )


def leading_metrics(results: Results) -> list[MetricResult]:
    """Return the metrics for the head of the page; a run without any of them shows all it has."""
    found = [metric for column in LEADING if (metric := find(results.metrics, column))]
    return found or list(results.metrics)
