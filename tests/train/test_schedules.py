"""Which stages a schedule makes of a task order."""

import pytest

from cvit_bench.train.schedules import StagePlan, plan_stages

TASKS = ("a", "b", "c")


def test_nothing_is_trained_without_a_schedule():
    assert plan_stages("none", TASKS) == ()


def test_a_sequence_starts_afresh_and_goes_on_from_the_stage_before():
    assert plan_stages("sequential", TASKS) == (
        StagePlan("01-a", ("a",), None, 1),
        StagePlan("02-b", ("b",), "01-a", 1, past=("a",)),
        StagePlan("03-c", ("c",), "02-b", 1, past=("a", "b")),
    )


@pytest.mark.parametrize("schedule", ["sequential", "multitask"])
def test_few_samples_of_unseen_tasks_are_tuned_on_from_the_last_checkpoint(schedule):
    plans = plan_stages(schedule, TASKS, {"x": (5, 10), "y": (1,)})
    last = plans[-4]
    assert plans[:-3] == plan_stages(schedule, TASKS)
    assert [(p.name, p.tasks, p.shots) for p in plans[-3:]] == [
        ("few-x-05", ("x",), 5),
        ("few-x-10", ("x",), 10),
        ("few-y-01", ("y",), 1),
    ]
    assert all((p.parent, p.past, p.num_shares) == (last.name, TASKS, 1) for p in plans[-3:])


@pytest.mark.parametrize("schedule", ["sequential", "multitask"])
def test_the_base_is_tuned_on_the_same_few_samples_where_asked(schedule):
    few = {"x": (5, 10), "y": (1,)}
    plans = plan_stages(schedule, TASKS, few, few_shot_base=True)
    from_base = [plan for plan in plans if plan.name.endswith("-base")]
    assert [plan for plan in plans if plan not in from_base] == list(plan_stages(schedule, TASKS, few))
    assert from_base == [
        StagePlan("few-x-05-base", ("x",), None, shots=5),
        StagePlan("few-x-10-base", ("x",), None, shots=10),
        StagePlan("few-y-01-base", ("y",), None, shots=1),
    ]
    assert plan_stages(schedule, TASKS, {}, few_shot_base=True) == plan_stages(schedule, TASKS)


@pytest.mark.parametrize("schedule", ["none", "per_task"])
def test_without_one_last_checkpoint_there_is_none_to_tune_further(schedule):
    assert plan_stages(schedule, TASKS, {"x": (5,)}) == plan_stages(schedule, TASKS)


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
