"""Which recipe a name means, what a method gets of it, and what is wrong with one that is wrong."""

import pytest
import yaml

from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import yaml_line
from cvit_bench.records.method import load_method
from cvit_bench.records.recipe import find_recipe, load_recipe
from cvit_bench.records.training import TrainingBudget
from cvit_bench.train.recipe_findings import recipe_findings
from cvit_bench.train.settings import resolve

SOUND = {
    "schema_version": 1,
    "name": "mine",
    "title": "Mine",
    "description": "A recipe.",
    "source": "me",
    "base": "someone/some-model",
    "training": {"steps": None, "batch_size": 8, "micro_batch": 2},
    "adapter": {"rank": 16, "alpha": 8},
    "methods": {"smolora": {"adapter": {"rank": 32}, "training": {"batch_size": 4}}},
}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a recipe with some keys changed."""

    def make(**changes):
        path = tmp_path / "recipes" / "mine.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({**SOUND, **changes}, sort_keys=False))
        return path

    return make


def test_a_methods_own_settings_win_over_those_for_every_method(write):
    found = {name: find_recipe(load_method(name), str(write())) for name in ("smolora", "lora")}
    assert found["smolora"].adapter == {"rank": 32, "alpha": 8}
    assert found["smolora"].training == {"steps": None, "batch_size": 4, "micro_batch": 2}
    assert found["lora"].adapter == {"rank": 16, "alpha": 8}
    assert found["lora"].training == SOUND["training"]
    assert {recipe.base for recipe in found.values()} == {"someone/some-model"}
    assert {recipe.name for recipe in found.values()} == {"mine"}


def test_what_a_recipe_leaves_out_stays_as_the_suite_has_it(write):
    suite = open_suite("mini")[1]
    settings = resolve(load_method("lora"), suite, [], recipe=str(write()))
    assert settings.training.learning_rate == suite.training.learning_rate
    assert settings.training.steps is None
    assert settings.adapter_config["dropout"] == suite.adapter["dropout"]
    assert settings.recipe == "mine"


def test_a_methods_own_recipe_comes_first_and_has_no_base():
    own = find_recipe(load_method("smolora"), "released")
    assert (own.name, own.base, own.training["warmup"]) == ("released", None, "log")
    shared = find_recipe(load_method("smolora"), "cvit-released")
    assert shared.base == "llava-hf/llava-1.5-7b-hf"
    assert find_recipe(load_method("smolora"), None).training == {}


@pytest.mark.parametrize(
    ("method", "spec", "said"),
    [
        (
            "smolora",
            "papper",
            r"method 'smolora': unknown recipe 'papper' \(known: .*coin, .*paper, released",
        ),
        (
            "lora",
            "paper",
            r"method 'lora': unknown recipe 'paper' \(known: coin, cvit-paper, cvit-released\)",
        ),
        ("lora", "gone.yaml", r"gone\.yaml: no such file"),
    ],
)
def test_an_unknown_recipe_is_refused_with_all_that_are_known(method, spec, said):
    with pytest.raises(CvitBenchError, match=said):
        find_recipe(load_method(method), spec)


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"training": {"step": 3}}, ("training", "step"), "training.step: unknown key 'step'"),
        ({"training": {"micro_batch": 0}}, ("training", "micro_batch"), "training.micro_batch: Input should"),
        (
            {"methods": {"lora": {"training": {"epochs": -1}}}},
            ("methods", "lora", "training", "epochs"),
            "methods.lora.training.epochs: Input should",
        ),
        ({"departs": []}, ("departs",), "departs: unknown key 'departs'"),
        ({"name": "other"}, ("name",), "name: must be the file's name 'mine'"),
        ({"methods": {"smolorra": {}}}, ("methods", "smolorra"), "methods.smolorra: unknown method"),
        ({"shapes": "gone.json"}, ("shapes",), "shapes: "),
    ],
)
def test_a_finding_names_file_line_and_key(write, changes, key, said):
    path = write(**changes)
    found = recipe_findings(path)
    assert found[0].startswith(f"{path}:{yaml_line(path, key)}: {said}")
    assert len(found) == 1


def test_a_setting_that_an_adapter_lacks_is_found_for_each_method_that_gets_it(write):
    path = write(methods={"smolora": {"adapter": {"num_expert": 4}}})
    assert recipe_findings(path)[0].startswith(
        f"{path}: for method 'smolora': adapter: num_expert: unknown key 'num_expert' (known: "
    )
    assert len(recipe_findings(path)) == 1
    assert len(recipe_findings(write(adapter={"rang": 4}))) > 5


def test_a_run_with_a_wrong_recipe_is_refused_with_its_name(write):
    path = write(adapter={"rang": 4})
    with pytest.raises(
        CvitBenchError, match=rf"{path}: for method 'lora': adapter: rang: unknown key 'rang'"
    ):
        resolve(load_method("lora"), open_suite("mini")[1], [], recipe=str(path))


def test_a_missing_key_is_named(write):
    path = write()
    path.write_text(path.read_text().replace("base: someone/some-model\n", ""))
    with pytest.raises(CvitBenchError, match="base: this key is required"):
        load_recipe(path)


@pytest.mark.parametrize(
    "budget",
    [{"micro_batch": 0}, {"save_steps": 0}, {"projector_learning_rate": 0}, {"group_by_length": "some"}],
)
def test_training_keys_have_their_limits(budget):
    with pytest.raises(ValueError, match=next(iter(budget))):
        TrainingBudget(**budget)
