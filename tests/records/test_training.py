"""How many steps a stage gets, and which budgets are none."""

import pytest
from pydantic import ValidationError

from cvit_bench.records.training import TrainingBudget


@pytest.mark.parametrize(
    ("budget", "num_samples", "steps"),
    [
        ({"steps": 80}, 10, 80),
        ({"steps": 80, "epochs": 9.0}, 10, 80),
        ({"epochs": 1.0, "batch_size": 8}, 80, 10),
        ({"epochs": 2.5, "batch_size": 8}, 80, 25),
        ({"epochs": 1.0, "batch_size": 8}, 84, 10),
        ({"epochs": 1.0, "batch_size": 8}, 85, 11),
        ({"epochs": 1.0, "batch_size": 64}, 3, 1),
        ({"epochs": 0.01, "batch_size": 1}, 1, 1),
    ],
)
def test_steps_win_over_epochs_and_there_is_at_least_one(budget, num_samples, steps):
    assert TrainingBudget(**budget).num_steps(num_samples) == steps


@pytest.mark.parametrize(
    "budget",
    [
        {"steps": 0},
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"learning_rate": float("inf")},
        {"learning_rate": float("nan")},
        {"weight_decay": -0.1},
        {"warmup_share": 1.1},
        {"clip": 0},
        {"schedule": "linear"},
        {"lr": 0.1},
    ],
)
def test_a_budget_that_cannot_be_spent_is_refused(budget):
    with pytest.raises(ValidationError, match=next(iter(budget))):
        TrainingBudget(**budget)
