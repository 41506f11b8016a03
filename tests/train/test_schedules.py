"""Which stages a schedule makes of a task order."""

import pytest

from cvit_bench.train.schedules import StagePlan, plan_stages

TASKS = ("a", "b", "c")


def test_nothing_is_trained_without_a_schedule():
    assert plan_stages("none", TASKS) == ()


def test_a_sequence_starts_afresh_and_goes_on_from_the_stage_before():
    assert plan_stages("sequential", TASKS) == (
        StagePlan("01-a", ("a",), None, 1),
        StagePlan("02-b", ("b",), "01-a", 1),
        StagePlan("03-c", ("c",), "02-b", 1),
    )


def test_one_task_makes_a_sequence_of_one_stage():
    assert plan_stages("sequential", ("a",)) == (StagePlan("01-a", ("a",), None, 1),)


def test_multitask_is_one_stage_with_the_steps_of_the_whole_sequence():
    assert plan_stages("multitask", TASKS) == (StagePlan("01-multitask", TASKS, None, 3),)


def test_per_task_starts_every_task_afresh_from_the_base():
    assert plan_stages("per_task", TASKS) == (
        StagePlan("01-a", ("a",), None, 1),
        StagePlan("02-b", ("b",), None, 1),
        StagePlan("03-c", ("c",), None, 1),
    )


@pytest.mark.parametrize("schedule", ["sequential", "multitask", "per_task"])
def test_every_schedule_that_trains_spends_the_same_and_sees_every_task_once(schedule):
    plans = plan_stages(schedule, TASKS)
    assert sum(plan.num_shares for plan in plans) == len(TASKS)
    assert sorted(task for plan in plans for task in plan.tasks) == sorted(TASKS)


def test_stage_names_sort_in_training_order():
    names = [plan.name for plan in plan_stages("sequential", [f"t{at}" for at in range(12, 0, -1)])]
    assert names == sorted(names)
