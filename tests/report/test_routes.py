"""The report's section on routes, from files that training leaves beside checkpoints."""

import pandas as pd
import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import BaseModelRef, Manifest, Stage
from cvit_bench.records.routing import ROUTES, ROUTING, BranchState, StageRouting, TaskRouting
from cvit_bench.report.routes import overlaps, read_routes
from cvit_bench.report.run_report import build_run_report, write_run_report


def table(rows):
    return pd.DataFrame(rows, columns=["task", "layer", "gate", "expert", "share"])


TABLE = table(
    [
        ("fruits", "a", "gates", 0, 1.0),
        ("fruits", "b", "gates", 0, 0.5),
        ("fruits", "b", "gates", 1, 0.5),
        ("shapes", "a", "gates", 1, 1.0),
        ("shapes", "b", "gates", 1, 1.0),
    ]
)


@pytest.fixture
def run_dir(make, save):
    folder = save(make.sequential())
    names = ("fruits", "shapes")
    stages = [Stage(name=name, tasks=(name,), checkpoint=f"stages/{name}") for name in names]
    base = BaseModelRef(path="x")
    manifest = Manifest(run="lora-seq", suite="mini", method="lora", base=base, stages=stages)
    save_json(folder / "manifest.json", manifest)
    for number, name in enumerate(names, start=1):
        place = folder / "stages" / name
        place.mkdir(parents=True)
        went = TaskRouting(samples=4, alpha=0.25, selected={"fruits": 3, "shapes": 1})
        seen = dict.fromkeys(names[:number], went)
        state = BranchState(num_layers=7, num_branches=8, frozen=0.25 * number, frozen_only=number)
        save_json(place / ROUTING, StageRouting(tasks=seen, branches=state))
        TABLE.to_parquet(place / ROUTES)
    return folder


def test_overlap_is_the_mean_over_layers_of_what_two_tasks_share():
    (found,) = overlaps(TABLE)
    assert found.tasks == ("fruits", "shapes")
    assert [[value for value, _ in row] for row in found.rows] == [[100.0, 25.0], [25.0, 100.0]]


def test_the_selector_is_judged_by_the_tasks_own_name(run_dir):
    routes = read_routes(run_dir)
    assert routes is not None
    fruits, shapes = routes.stages[-1].tasks
    assert (fruits.right, fruits.taken_for) == (75.0, "shapes")
    assert (shapes.right, shapes.taken_for) == (25.0, "fruits")
    assert (routes.has_selector, routes.has_alpha, routes.has_branches) == (True, True, True)


def test_the_page_shows_it(run_dir):
    page = write_run_report(run_dir).read_text()
    for part in ("Which way samples went", "2 of 7", "50.0 %", "75.0", "25.0", "Shared experts"):
        assert part in page


def test_a_run_without_routed_adapters_has_no_such_section(make):
    assert "Which way samples went" not in build_run_report(make.sequential())


def _junk(path):
    path.write_bytes(b"PAR1 nothing")


def _other_columns(path):
    pd.DataFrame({"task": ["fruits"]}).to_parquet(path)


def _words_for_shares(path):
    TABLE.assign(share="much").to_parquet(path)


@pytest.mark.parametrize("fault", [_junk, _other_columns, _words_for_shares])
def test_a_broken_table_is_one_message(run_dir, fault):
    fault(run_dir / "stages" / "shapes" / ROUTES)
    with pytest.raises(CvitBenchError, match=r"routes\.parquet: no table of routes"):
        read_routes(run_dir)
