"""What every recipe file owes: settings that each method takes, a base, its shapes, and where it departs."""

import pytest

from cvit_bench.data.library import open_suite
from cvit_bench.records.load import read_text
from cvit_bench.records.method import load_method, method_files
from cvit_bench.records.recipe import find_recipe, load_recipe, recipe_files
from cvit_bench.train.recipe_findings import recipe_findings
from cvit_bench.train.settings import resolve

RECIPES = sorted(recipe_files())
METHODS = sorted(method_files())
MINI = open_suite("mini")[1]


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_wrong_with_a_recipe(name):
    assert recipe_findings(recipe_files()[name]) == []


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is_and_from_where(name):
    recipe = load_recipe(recipe_files()[name])
    assert recipe.name == name
    for text in (recipe.title, recipe.description, recipe.source, *recipe.departures):
        assert text.strip() == text != ""
    assert "arXiv" in recipe.source
    assert recipe.description.endswith(".")
    assert recipe.departures
    assert all(text.endswith(".") for text in recipe.departures)
    assert recipe.base.count("/") == 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_every_recipe(name, method):
    chosen = find_recipe(load_method(method), name)
    settings = resolve(load_method(method), MINI, [], recipe=name)
    assert settings.recipe == name
    assert settings.training.steps is None
    given = settings.training.model_dump()
    assert {key: given[key] for key in chosen.training} == chosen.training
    if settings.adapter is not None:
        assert {key: settings.adapter_config[key] for key in chosen.adapter} == chosen.adapter
    assert chosen.shapes is not None
    read_text(chosen.shapes)


@pytest.mark.parametrize("name", RECIPES)
def test_no_method_of_its_own_has_a_recipe_of_that_name(name):
    assert [method for method in METHODS if name in load_method(method).recipes] == []


@pytest.mark.parametrize("name", RECIPES)
def test_all_methods_get_the_same_scale_and_budget(name):
    adapting = [method for method in METHODS if load_method(method).adapter]
    found = [resolve(load_method(method), MINI, [], recipe=name) for method in adapting]
    assert {settings.adapter_config["alpha"] / settings.adapter_config["rank"] for settings in found} == {2}
    assert len({settings.training for settings in found}) == 1
