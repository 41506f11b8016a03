"""Every method file resolves on every suite, trains, evaluates, and finds all done when called again."""

import pytest

from cvit_bench import plugins
from cvit_bench.cli.train import run_training
from cvit_bench.data.library import open_library
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.folders import adapter_sha256
from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.method import load_method, method_files
from cvit_bench.train.settings import resolve

METHODS = sorted(method_files())
HOOKS = plugins.names(plugins.HOOKS)


@pytest.mark.parametrize("name", METHODS)
def test_it_is_described_and_resolves_on_every_suite(name):
    method = load_method(name)
    assert method.name == name
    assert method.title
    assert method.description.endswith(".")
    library = open_library()
    for suite in library.suites:
        settings = resolve(method, library.suite(suite), [])
        assert settings.schedule == method.schedule
        assert set(settings.hooks) == set(method.hooks)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_it_trains_and_evaluates(name, pair, tmp_path):
    options = {"overrides": ["training.steps=1", "hooks.ewc.num_samples=2"][: 2 if name == "ewc" else 1]}
    manifest = run_training(name, pair, tmp_path / "run", limit=6, device="cpu", **options)
    schedule = load_method(name).schedule
    stages = [stage for stage in manifest.stages if stage.shots is None]
    assert len(stages) == {"none": 0, "multitask": 1}.get(schedule, 2)
    hashes = {adapter_sha256(tmp_path / "run" / stage.checkpoint) for stage in manifest.stages}
    assert len(hashes) == len(manifest.stages)
    results = evaluate(tmp_path / "run", EvaluateOptions(limit=2, batch_size=4))
    assert all(0 <= cell.strict.value <= 1000 for cell in results.cells)
    assert len(results.few_shot) == len(manifest.stages) - len(stages)
    run_training(name, pair, tmp_path / "run", limit=6, device="cpu", **options)
    stages = load_manifest(tmp_path / "run").stages
    assert {adapter_sha256(tmp_path / "run" / stage.checkpoint) for stage in stages} == hashes


@pytest.mark.slow
def test_the_base_is_tuned_on_few_samples_as_the_last_checkpoint_is(pair, tmp_path):
    run_dir, options = tmp_path / "run", {"overrides": ["training.steps=1"], "limit": 6, "device": "cpu"}
    before = run_training("lora", pair, run_dir, **options)
    manifest = run_training("lora", pair, run_dir, few_shot_base=True, **options)
    kept = [stage for stage in manifest.stages if not stage.from_base]
    (added,) = (stage for stage in manifest.stages if stage.from_base)
    assert kept == list(before.stages)
    twin = next(stage for stage in kept if stage.shots)
    assert (added.parent, added.tasks, added.shots) == (None, twin.tasks, twin.shots)
    assert (added.data_sha256, added.steps) == (twin.data_sha256, twin.steps)
    results = evaluate(run_dir, EvaluateOptions(limit=2, batch_size=4))
    (curve,) = results.few_shot_curves
    assert [(point.shots, point.added is not None) for point in curve.points] == [(0, True), (1, True)]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_title_settings_and_a_source(name):
    module = plugins.load(plugins.HOOKS, name)
    assert module.TITLE
    assert "arXiv" in module.__doc__
    assert module.Config() == module.Hook(module.Config()).config


@pytest.mark.slow
@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_joins_any_method(name, pair, tmp_path):
    overrides = ["training.steps=1", *(["hooks.ewc.num_samples=2"] if name == "ewc" else [])]
    run_training("smolora", pair, tmp_path / "run", limit=6, device="cpu", hooks=[name], overrides=overrides)
    assert set(load_manifest(tmp_path / "run").config["hooks"]) == {name}
