"""The learning rate over a stage: a linear rise, then a cosine to nothing, or constant."""

import pytest

from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.optimizing import rate_factor


def rates(num_steps, **budget):
    return [rate_factor(TrainingBudget(**budget), step, num_steps) for step in range(num_steps)]


def test_the_rise_is_linear_and_ends_at_the_full_rate():
    assert rates(20, warmup_share=0.2)[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


def test_without_a_rise_the_first_step_has_the_full_rate():
    assert rates(10, warmup_share=0.0)[0] == 1.0


def test_a_short_rise_takes_at_least_one_step_and_that_one_is_not_zero():
    assert rates(10, warmup_share=0.01)[:2] == [1.0, 1.0]


def test_the_cosine_is_at_half_in_the_middle_and_falls_to_nearly_nothing():
    found = rates(100, warmup_share=0.0)
    assert found[50] == pytest.approx(0.5)
    assert found == sorted(found, reverse=True)
    assert 0 < found[-1] < 0.001


def test_the_rate_after_the_last_step_is_zero():
    assert rate_factor(TrainingBudget(warmup_share=0.1), 30, 30) == pytest.approx(0.0)


def test_a_constant_schedule_stays_at_the_full_rate():
    assert rates(10, warmup_share=0.2, schedule="constant") == [0.5, *[1.0] * 9]


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 1.0])
@pytest.mark.parametrize("num_steps", [1, 2, 7, 80])
def test_every_step_learns_something_and_none_more_than_the_full_rate(share, num_steps):
    for schedule in ("cosine", "constant"):
        found = rates(num_steps, warmup_share=share, schedule=schedule)
        assert all(0 < rate <= 1 for rate in found)
