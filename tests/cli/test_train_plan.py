"""`train --plan` says what would be done: published counts, steps, missing data; it writes nothing."""

import json

import pytest

from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.training_plan import TrainingPlan

PUBLISHED = [
    ("smolora", "cvit-released", 191_618_048, 188_989_440),
    ("moelora", "coin", 349_904_896, 349_904_896),
    ("branchlora", "coin", 222_371_840, 222_371_840),
]
HUB = "llava-hf/llava-1.5-7b-hf"


@pytest.mark.parametrize(("method", "recipe", "all_", "learning"), PUBLISHED)
def test_the_published_counts_of_llava_7b(inside, tmp_path, method, recipe, all_, learning):
    words = ("train", "--method", method, "--suite", "mini", "--recipe", recipe, "--plan")
    text, _ = inside(*words)
    assert f"{all_:,}" in text
    assert f"{learning:,}" in text
    assert HUB in text
    assert list(tmp_path.iterdir()) == []
    plan = TrainingPlan.model_validate_json(inside(*words, "--json")[0])
    assert (plan.first.adapter, plan.first.learning) == (all_, learning)
    assert plan.departures
    assert plan.memory.base == 4 * plan.first.base
    assert [stage.samples for stage in plan.stages[:6]] == [1000, 1000, 960, 1000, 1200, 1000]


def test_the_hub_is_not_asked_and_a_process_ends_in_time(call):
    out, err = call("train", "--method", "smolora", "--suite", "mini", "--recipe", "cvit-released", "--plan")
    assert "191,618,048" in out
    assert err == ""


def test_steps_and_rates_of_the_embedded_suite(inside):
    out, _ = inside("train", "--method", "lora", "--plan", "--json", "--limit", 50)
    plan = TrainingPlan.model_validate(json.loads(out))
    assert [stage.name for stage in plan.stages[6:]] == ["few-mini_places-05", "few-mini_places-10"]
    assert [stage.steps for stage in plan.stages] == [plan.training.steps] * 8
    assert (plan.stages[0].samples, plan.base) == (50, "embedded:mini")
    assert plan.steps == 8 * plan.training.steps
    assert max(point.rate for point in plan.rates) == plan.training.learning_rate
    assert plan.missing == ()


def test_settings_and_placement_change_the_plan(inside):
    words = ("train", "--method", "lora", "--plan", "--json", "--set", "training.steps=5")
    one, other = (
        TrainingPlan.model_validate_json(inside(*words, *more)[0])
        for more in ((), ("--set", "adapter.rank=64", "--set", "training.checkpointing=true"))
    )
    assert one.steps == other.steps == 5 * len(one.stages)
    assert other.first.adapter == 2 * one.first.adapter
    assert other.memory.activations < one.memory.activations
    half = TrainingPlan.model_validate_json(inside(*words, "--device", "cuda")[0])
    assert (half.dtype, half.precision) == ("bfloat16", "bfloat16")
    assert half.memory.base == one.memory.base // 2


@pytest.mark.slow
def test_a_plan_has_the_steps_and_samples_of_the_manifest(inside, tmp_path):
    words = ("--method", "replay", "--limit", 6, "--holdout", 0.3, "--set", "training.batch_size=2")
    words += ("--set", "training.steps=null", "--set", "training.few_shot_steps=2", "--device", "cpu")
    words += ("--set", "adapter.rank=2", "--suite", "mini")
    plan = TrainingPlan.model_validate_json(inside("train", *words, "--plan", "--json")[0])
    assert "replay" in plan.hooks
    inside("train", *words, "--run-dir", tmp_path / "run")
    stages = load_manifest(tmp_path / "run").stages
    wanted = [(stage.name, stage.tasks, stage.samples, stage.steps) for stage in stages]
    assert [(stage.name, stage.tasks, stage.samples, stage.steps) for stage in plan.stages] == wanted


def test_missing_data_is_named_with_place_and_licence(toy, inside):
    toy.edit("tasks/suites/toy.yaml", base="embedded:mini", training={"batch_size": 2})
    out, _ = inside(
        "train", "--method", "lora", "--suite", toy.suite, "--plan", "--data-root", toy.root / "no"
    )
    for task in ("fruit", "pick", "count"):
        assert (
            f"missing: {toy.root / 'no' / task / 'train.jsonl'} (train samples of {task}; licence: CC0" in out
        )
    assert "--data-root names the folder" in out
    assert out.count("not known") == 2 * 3 + 1
    words = ("train", "--method", "lora", "--suite", toy.suite, "--plan", "--data-root", toy.data)
    out, _ = inside(*words)
    assert "missing" not in out
    assert [line.split() for line in out.splitlines() if line.startswith("01-")] == [["01-fruit", "4", "2"]]
    toy.edit("tasks/fruit.yaml", splits={name: {"file": "x", "count": 90} for name in ("train", "test")})
    out, _ = inside(*words)
    assert [line.split() for line in out.splitlines() if line.startswith("01-")] == [["01-fruit", "90", "45"]]


def test_a_method_that_trains_nothing_has_an_empty_plan(inside):
    out, _ = inside("train", "--method", "zero_shot", "--plan")
    assert "no stage: nothing is trained" in out


def test_a_base_that_is_nowhere_is_refused(call):
    _, err = call("train", "--method", "lora", "--base", "nobody-at-all/no-such-model", "--plan", code=2)
    assert (
        "base.path: nobody-at-all/no-such-model: no such folder, and its config.json is neither cached" in err
    )
    assert len(err.splitlines()) == 1


def test_shapes_of_a_recipe_are_not_those_of_another_base(call):
    words = ("train", "--method", "lora", "--recipe", "coin", "--plan")
    call(*words, "--base", "nobody-at-all/no-such-model", code=2)
    out, _ = call(*words, "--base", "embedded:mini")
    assert "4,464,000" in out


def test_a_scripted_base_cannot_be_planned_for(toy, inside):
    _, err = inside("train", "--method", "lora", "--suite", toy.suite, "--plan", code=2)
    assert "a scripted base cannot be trained" in err


def test_an_unknown_recipe_is_refused(inside):
    _, err = inside("train", "--method", "smolora", "--recipe", "cvit-relaesed", "--plan", code=2)
    assert "(known: coin, cvit-paper, cvit-released, paper, released). Did you mean 'cvit-released'?" in err
