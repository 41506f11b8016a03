import pytest

from cvit_bench.report.heatmap import STEPS, cell_intervals, heat_map, step


def test_stages_go_down_and_unseen_tasks_stand_last(make):
    results = make.sequential()
    swapped = results.model_copy(
        update={
            "tasks": (results.tasks[4], *results.tasks[:4]),
            "matrices": results.matrices.model_copy(
                update={"S": tuple((row[4], *row[:4]) for row in results.matrices.S)}
            ),
        }
    )
    drawn = heat_map(swapped, "S")
    assert [task.name for task in drawn.tasks] == ["fruits", "shapes", "digits", "captions", "sketches"]
    assert [cell.value for cell in drawn.rows[0].cells] == [21.0, 8.5, 3.0, 12.4, 25.5]
    assert drawn.num_unseen == 1


def test_the_trained_cell_of_each_stage_is_marked(make):
    drawn = heat_map(make.sequential(), "S")
    marked = [[cell.task.name for cell in row.cells if cell.trained] for row in drawn.rows]
    assert marked == [[], ["fruits"], ["shapes"], ["digits"], ["captions"]]


def test_cells_that_were_not_run_stay_empty(make):
    cell = heat_map(make.better(), "S").rows[1].cells[1]
    assert (cell.value, cell.low, cell.high) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "full", "expected"),
    [(0, 100, 0), (100, 100, STEPS), (50, 100, 5), (None, 100, 0), (118, 118, STEPS), (-3, 100, 0)],
)
def test_colour_steps(value, full, expected):
    assert step(value, full) == expected


def test_a_column_beyond_100_is_coloured_by_its_largest_value(make):
    drawn = heat_map(make.sequential(), "S")
    assert drawn.rows[4].cells[3].step == STEPS
    assert drawn.rows[1].cells[0].step == 8


def test_the_interval_over_variants_is_the_mean_of_their_ends(make):
    results = make.sequential()
    first = results.cells[0]
    second = first.model_copy(
        update={
            "variant": "v2",
            "strict": first.strict.model_copy(
                update={"ci_low": first.strict.ci_low + 4, "ci_high": first.strict.ci_high + 2}
            ),
        }
    )
    both = results.model_copy(update={"cells": (first, second)})
    low, high = cell_intervals(both, "S")[0, "fruits"]
    assert low == pytest.approx(first.strict.ci_low + 2)
    assert high == pytest.approx(first.strict.ci_high + 1)


def test_a_form_change_has_no_part_in_the_interval(make):
    results = make.sequential()
    other = results.cells[0].model_copy(update={"variant": "c0", "form_change": True})
    far = other.model_copy(update={"strict": other.strict.model_copy(update={"ci_low": 0.0, "ci_high": 0.0})})
    with_change = results.model_copy(update={"cells": (*results.cells, far)})
    assert cell_intervals(with_change, "S") == cell_intervals(results, "S")
