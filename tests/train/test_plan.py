"""Steps, rates and memory of a training that is only planned, against what training itself counts."""

import math

import pytest

from cvit_bench.records.training import TrainingBudget
from cvit_bench.records.training_plan import StageSteps, WeightCount
from cvit_bench.train.optimizing import rate_factor
from cvit_bench.train.plan import planned_steps, rate_points, total_steps
from cvit_bench.train.plan_memory import TEXT_TOKENS, Computing, Shapes, activations, estimate
from cvit_bench.train.schedules import plan_stages

COUNTS = {"a": 80, "b": 40, "c": None}
SHAPES = Shapes(
    width=8,
    inner=12,
    query_width=6,
    key_width=4,
    layers=3,
    vocabulary=50,
    image_tokens=72,
    adapted_inputs=3 * (8 + 8 + 12),
)
FULL = Computing(base=4, computing=4, dropout=False, dora=False)


def steps_of(schedule, tasks, few_shot=None, **budget):
    stages = plan_stages(schedule, tasks, few_shot)
    found = planned_steps(stages, lambda task, shots: shots or COUNTS[task], TrainingBudget(**budget))
    return [stage.steps for stage in found], total_steps(found)


def test_steps_follow_the_samples_of_each_stage():
    assert steps_of("sequential", ["a", "b"], batch_size=8) == ([10, 5], 15)
    assert steps_of("per_task", ["a", "b"], batch_size=8, epochs=2) == ([20, 10], 30)
    assert steps_of("multitask", ["a", "b"], batch_size=8) == ([2 * round(60 / 8)], 2 * round(60 / 8))
    assert steps_of("none", ["a", "b"]) == ([], 0)


def test_steps_that_depend_on_what_is_missing_are_not_known():
    assert steps_of("sequential", ["a", "c"], batch_size=8) == ([10, None], None)
    assert steps_of("multitask", ["a", "c"]) == ([None], None)
    assert steps_of("sequential", ["a", "c"], steps=7) == ([7, 7], 14)


@pytest.mark.parametrize("num_steps", [1, 2, 3, 40, 1000])
def test_rates_are_those_of_the_loop(num_steps):
    budget = TrainingBudget(learning_rate=0.5, warmup_share=0.1)
    stage = StageSteps(name="01-a", tasks=("a",), samples=None, steps=num_steps)
    points = rate_points([stage], budget)
    assert [point.step for point in points] == sorted({point.step for point in points})
    assert (points[0].step, points[-1].step) == (1, num_steps)
    for point in points:
        assert point.rate == 0.5 * rate_factor(budget, point.step - 1, num_steps)
    if num_steps > 10:
        assert max(point.rate for point in points) == 0.5
        assert math.ceil(0.1 * num_steps) in [point.step for point in points]


def test_stages_on_a_few_samples_have_steps_of_their_own():
    few = {"c": (16, 32)}
    assert steps_of("sequential", ["a"], few, batch_size=8) == ([10, 2, 4], 16)
    assert steps_of("sequential", ["a"], few, batch_size=8, few_shot_steps=3) == ([10, 3, 3], 16)
    assert steps_of("sequential", ["a"], few, steps=7) == ([7, 7, 7], 21)


def test_there_are_no_rates_without_steps():
    assert rate_points([], TrainingBudget()) == ()


def test_activations_are_their_formula():
    layer = 8 * 8 + 4 * (2 * 6 + 2 * 4 + 3 * 12) + 2 * 4 * (8 + 8 + 12)
    assert activations(SHAPES, 10, False, FULL) == 10 * 3 * layer
    assert activations(SHAPES, 10, True, FULL) == 10 * 3 * 8 * 4 + 10 * layer
    half = Computing(base=2, computing=2, dropout=True, dora=True)
    layer = 8 * 8 + 2 * (2 * 6 + 2 * 4 + 3 * 12) + 4 * (2 + 1) * (8 + 8 + 12)
    assert activations(SHAPES, 10, False, half) == 10 * 3 * layer


def test_memory_is_weights_by_their_type_and_two_states_for_each_that_learns():
    weights = WeightCount(base=1000, adapter=100, learning=80, adapter_bytes=400)
    found = estimate(weights, SHAPES, TrainingBudget(batch_size=16, micro_batch=4), FULL)
    assert (found.base, found.adapter, found.gradients, found.optimizer) == (4000, 400, 320, 640)
    assert found.length == 72 + TEXT_TOKENS
    assert found.logits == 4 * found.length * 50 * 16
    assert found.total == sum(
        (found.base, found.adapter, found.gradients, found.optimizer, found.activations, found.logits)
    )
    whole = estimate(weights, SHAPES, TrainingBudget(batch_size=16), FULL)
    assert whole.activations == 4 * found.activations
