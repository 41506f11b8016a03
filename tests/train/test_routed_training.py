"""The routed methods on the embedded suite: stages, what stands beside them, evaluation, clear refusals."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.models.replay import ReplayModel
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import load_manifest
from cvit_bench.records.routing import ROUTES, ROUTING, StageRouting
from cvit_bench.resources import embedded_base, shipped_folder

pytestmark = pytest.mark.slow
METHODS = ("smolora", "branchlora", "moelora", "hydralora", "olora")
SMALL = ("training.steps=2", "training.batch_size=4", "adapter.rank=16", "training.precision=float32")
LAST = "03-mini_shapes"


def train(method: str, suite: str, run_dir: Path, *more: str, **options) -> Path:
    run_training(method, suite, run_dir, overrides=[*SMALL, *more], limit=8, device="cpu", **options)
    return run_dir


@pytest.fixture(scope="module")
def runs(triple, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {method: train(method, triple, folder / method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_every_stage_is_an_adapter_with_its_routes_beside_it(runs, method):
    manifest = load_manifest(runs[method])
    sequence = [stage for stage in manifest.stages if stage.shots is None]
    assert (len(sequence), len(manifest.stages)) == (3, 4)
    for number, stage in enumerate(sequence, start=1):
        folder = runs[method] / stage.checkpoint
        seen = list(load_json(folder / ROUTING, StageRouting).tasks)
        assert seen == [name for done in manifest.stages[:number] for name in done.tasks]
        table = pd.read_parquet(folder / ROUTES)
        sums = table.groupby(["task", "layer", "gate"])["share"].sum()
        assert sums.between(1 - 1e-6, 1 + 1e-6).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_configuration_names_method_base_and_import(runs, method):
    folder = runs[method] / "stages" / LAST
    said = json.loads((folder / "adapter_config.json").read_text())
    assert (said["method"], said["settings"]["rank"]) == (method, 16)
    assert said["base_sha256"] == load_manifest(runs[method]).base.sha256
    assert "import cvit_bench" in (folder / "README.md").read_text()


@pytest.mark.proof
@pytest.mark.parametrize("method", ["smolora", "branchlora"])
def test_the_same_seed_gives_the_same_bytes(runs, method, triple, tmp_path):
    again = train(method, triple, tmp_path / "again")
    for name in ("01-mini_geo", LAST):
        first = (runs[method] / "stages" / name / "adapter_model.safetensors").read_bytes()
        assert (again / "stages" / name / "adapter_model.safetensors").read_bytes() == first


@pytest.mark.proof
@pytest.mark.parametrize("method", METHODS)
def test_every_stage_is_replayed(runs, method):
    results = evaluate(runs[method], EvaluateOptions(limit=2, batch_size=8))
    assert all(value is not None for row in results.matrices.S for value in row)


def test_branches_are_frozen_and_stay_as_they_were(runs):
    before = load_file(runs["branchlora"] / "stages" / "01-mini_geo" / "adapter_model.safetensors")
    after = load_file(runs["branchlora"] / "stages" / LAST / "adapter_model.safetensors")
    frozen = [key for key in before if key.endswith(".frozen") and bool(before[key])]
    assert frozen
    for key in frozen:
        branch = key.replace(".frozen", ".up")
        assert bool(after[key])
        assert before[branch].equal(after[branch])


def test_a_router_is_added_for_every_task_and_the_earlier_ones_stay(runs):
    before = load_file(runs["branchlora"] / "stages" / "01-mini_geo" / "adapter_model.safetensors")
    after = load_file(runs["branchlora"] / "stages" / LAST / "adapter_model.safetensors")
    first = [key for key in before if ".tasks.0." in key]
    assert first
    assert all(before[key].equal(after[key]) for key in first)
    assert any(".tasks.2." in key for key in after)
    assert not any(".tasks.1." in key for key in before)


def test_loras_of_earlier_stages_stay_as_they_were(runs):
    stages = [stage for stage in load_manifest(runs["olora"]).stages if stage.shots is None]
    folders = [runs["olora"] / stage.checkpoint for stage in stages]
    for number, (one, other) in enumerate(pairwise(folders), start=1):
        before, after = (load_file(folder / "adapter_model.safetensors") for folder in (one, other))
        assert {key.partition(".loras.")[2][0] for key in before} == set("012"[:number])
        assert all(after[key].equal(value) for key, value in before.items())
        new = [key for key in after if key not in before]
        assert len(after) - len(before) == len(new) == len(before) // number
        assert any(after[key].any() for key in new if key.endswith(".up"))


def test_the_selector_has_a_say_for_every_task(runs):
    routing = load_json(runs["branchlora"] / "stages" / LAST / ROUTING, StageRouting)
    assert all(sum((task.selected or {}).values()) == task.samples for task in routing.tasks.values())
    assert routing.branches is not None
    assert routing.branches.num_branches == 8


def test_smolora_routers_never_move_by_default(runs):
    first = load_file(runs["smolora"] / "stages" / "01-mini_geo" / "adapter_model.safetensors")
    last = load_file(runs["smolora"] / "stages" / LAST / "adapter_model.safetensors")
    routers = [key for key in first if key.endswith("_router")]
    assert routers
    assert all(first[key].equal(last[key]) for key in routers)


@pytest.mark.parametrize(
    ("method", "setting", "message"),
    [
        ("smolora", "adapter.num_experts=3", "num_experts: 3 must divide the rank 16"),
        ("smolora", "adapter.vu_pooling=prompt_only", "needs decode_route: cached"),
        ("smolora", "adapter.router_grad=yes", "router_grad"),
        ("branchlora", "adapter.top_k=9", "top_k: 9 of 8 branches"),
        ("moelora", "adapter.experts=4", "Did you mean .num_experts"),
        ("olora", "adapter.orthogonal_weight=-1", "orthogonal_weight: .* greater than or equal to 0"),
    ],
)
def test_a_bad_setting_is_refused_before_anything_is_written(method, setting, message, triple, tmp_path):
    with pytest.raises(CvitBenchError, match=message):
        train(method, triple, tmp_path / "run", setting)
    assert not (tmp_path / "run" / "stages").exists()


def test_an_instruction_without_an_embedding_is_refused_before_the_first_stage(triple, tmp_path):
    suite = tmp_path / "mine" / "tasks" / "suites" / "triple.yaml"
    suite.parent.mkdir(parents=True)
    shutil.copy(triple, suite)
    wordings = shipped_folder("instruction_templates") / "short_answer.yaml"
    own = tmp_path / "mine" / "instruction_templates" / wordings.name
    own.parent.mkdir()
    own.write_text(wordings.read_text().replace('text: "', 'text: "Now, ', 1))
    with pytest.raises(CvitBenchError, match=r"variant 'v0': was reworded after its embedding was stored"):
        train("smolora", str(suite), tmp_path / "run")
    assert not (tmp_path / "run" / "stages").exists()


def test_spent_branches_are_refused_where_asked(triple, tmp_path):
    settings = ("adapter.num_branches=2", "adapter.top_k=2", "adapter.on_exhausted=error")
    with pytest.raises(CvitBenchError, match=r"on_exhausted: error: all 2 branches"):
        train("branchlora", triple, tmp_path / "run", *settings)
    assert (tmp_path / "run" / "stages" / "01-mini_geo").is_dir()


@pytest.mark.proof
def test_spent_branches_grow_where_asked(triple, tmp_path):
    settings = ("adapter.num_branches=2", "adapter.top_k=2", "adapter.on_exhausted=grow")
    run_dir = train("branchlora", triple, tmp_path / "run", *settings)
    said = json.loads((run_dir / "stages" / LAST / "adapter_config.json").read_text())
    assert said["branches"][:2] == [2, 4]
    assert said["branches"] == sorted(said["branches"])
    assert said["branches"][-1] > 4
    evaluate(run_dir, EvaluateOptions(limit=1, batch_size=8))


def test_another_base_is_refused(runs, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(embedded_base(), other)
    weights = load_file(other / "model.safetensors")
    name = sorted(weights)[0]
    save_file({**weights, name: weights[name] + 1}, other / "model.safetensors", metadata={"format": "pt"})
    model = ReplayModel(other, Placement())
    with pytest.raises(CvitBenchError, match=r"base_sha256: the adapter was trained on a base"):
        model.use(Checkpoint("last", runs["smolora"] / "stages" / LAST, "adapter"))
