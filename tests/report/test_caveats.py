"""What limits a run's numbers is said where it holds, and nowhere else."""

import pytest

from cvit_bench.report.caveats import caveats
from cvit_bench.report.run_report import build_run_report

FULL = {
    "seeds": (0, 1),
    "variants": ("v1", "v2"),
    "provenance": {"weights": {"base": "ab" * 32}, "limit": None},
}


def test_a_run_with_nothing_to_mind_has_no_caveats(make):
    results = make.sequential(**FULL)
    assert caveats(results) == []
    assert 'class="caveats"' not in build_run_report(results)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provenance": {"limit": 7, "weights": {"a": "b"}}}, "Only the first 7 samples"),
        ({"provenance": {}}, "No checkpoint was replayed"),
        ({"task_identity": "oracle"}, "was told which task"),
        ({"seeds": (3,)}, "One training seed"),
        ({"variants": ("v1",)}, "in one wording"),
        (
            {"provenance": {"weights": {"a": "b"}, "design": {"per_sample": 3}}},
            "in 3 of the wordings only",
        ),
        (
            {"provenance": {"weights": {"a": "b"}, "resample": "images+variants"}},
            "count the wordings as drawn",
        ),
        ({"shortened": True}, "first tasks of the suite"),
        ({"split": "val"}, "validation samples"),
    ],
)
def test_each_limit_is_said(make, changes, said):
    results = make.sequential(**{**FULL, **changes})
    (found,) = caveats(results)
    assert said in found
    assert found in build_run_report(results)


def test_cells_that_were_not_run_are_counted(make):
    full = make.sequential(**FULL)
    rows = [list(row) for row in full.matrices.S]
    rows[1][2] = rows[0][0] = None
    matrices = full.matrices.model_copy(update={"S": tuple(map(tuple, rows))})
    (found,) = caveats(full.model_copy(update={"matrices": matrices}))
    assert found.startswith("Not run: 2 cells")


def test_small_tasks_are_named(make):
    full = make.sequential(**FULL)
    few = full.tasks[0].model_copy(update={"n": 12})
    (found,) = caveats(full.model_copy(update={"tasks": (few, *full.tasks[1:])}))
    assert found == f"Fewer than 100 samples: {few.title} (12)."
