"""Recipes: a paper's own settings win over the suite's, and `--set` wins over them."""

import math

import pytest

from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.method import load_method, method_files
from cvit_bench.records.recipe import find_recipe
from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.optimizing import rate_factor
from cvit_bench.train.settings import resolve

RECIPES = [(name, recipe) for name in sorted(method_files()) for recipe in load_method(name).recipes]


SIZES = {"olora": (8, 32)}
"""Rank and α where they are not CoIN's."""


@pytest.mark.parametrize(("name", "recipe"), RECIPES)
def test_every_recipe_resolves_to_the_papers_size(name, recipe):
    settings = resolve(load_method(name), open_suite("mini")[1], [], recipe=recipe)
    size = settings.adapter_config["rank"], settings.adapter_config["alpha"]
    assert size == SIZES.get(name, (128, 256))
    assert settings.training.steps is None
    assert settings.recipe == recipe


def test_without_a_recipe_every_method_gets_the_suites_size_and_budget():
    suite = open_suite("mini")[1]
    found = [resolve(load_method(name), suite, []) for name in method_files() if load_method(name).adapter]
    assert {(settings.adapter_config["rank"], settings.adapter_config["alpha"]) for settings in found} == {
        (suite.adapter["rank"], suite.adapter["alpha"])
    }
    assert {settings.training for settings in found} == {suite.training}


def test_set_wins_over_a_recipe():
    words = ["adapter.rank=64", "training.batch_size=8"]
    settings = resolve(load_method("smolora"), open_suite("mini")[1], words, recipe="paper")
    assert (settings.adapter_config["rank"], settings.training.batch_size) == (64, 8)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(CvitBenchError, match=r"method 'smolora': .*paper"):
        find_recipe(load_method("smolora"), "papper")


def test_a_logarithmic_warm_up_is_deepspeeds():
    budget = TrainingBudget(warmup_share=0.1, warmup="log", schedule="constant")
    found = [rate_factor(budget, step, 100) for step in (0, 1, 8, 9, 10, 99)]
    wanted = [math.log(step + 1) / math.log(10) for step in (0, 1, 8)]
    assert found == pytest.approx([*wanted, 1.0, 1.0, 1.0])
