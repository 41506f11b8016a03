"""`evaluate --plan` says what an evaluation costs: tokens as the model reads them, work, time; no torch."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from cvit_bench.evaluate.cost import evaluation_cost
from cvit_bench.evaluate.sequence import EvaluateOptions, prepare
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.models.passes import Asked, Rules, cut_passes
from cvit_bench.models.unopened import reads_once, unopened
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.load import save_json
from cvit_bench.records.pace import Pace, StagePace, pace_of, pace_path
from cvit_bench.resources import embedded_base

TASKS = ("mini_geo", "mini_read")


@pytest.fixture
def base_run(tmp_path, pair):
    """A run of the embedded base alone, and two stages with adapters that only say what they are."""
    run_dir = tmp_path / "run"
    stages = []
    for at, (task, config) in enumerate(
        zip(TASKS, ({"peft_type": "LORA"}, {"peft_type": "CVIT_BENCH", "method": "smolora"}), strict=True), 1
    ):
        name = f"{at:02d}-{task}"
        (run_dir / "stages" / name).mkdir(parents=True)
        (run_dir / "stages" / name / "adapter_config.json").write_text(json.dumps(config))
        (run_dir / "stages" / name / "adapter_model.safetensors").write_bytes(b"")
        stages.append({"name": name, "tasks": [task], "checkpoint": f"stages/{name}"})
    manifest = {
        "run": "run",
        "suite": pair,
        "method": "x",
        "base": {"path": "embedded:mini"},
        "stages": stages,
    }
    (run_dir / "manifest.json").write_text(json.dumps(manifest))
    return run_dir


def options(**more):
    return EvaluateOptions(limit=5, variants=3, **more)


def test_tokens_are_those_that_the_model_reads(base_run):
    inputs, base, _, plan = prepare(base_run, options())
    cells = list(dict.fromkeys((cell.task, cell.variant) for cell in plan.cells))
    prompts = [prompt for task, variant in cells for prompt in inputs.prompts(task, variant)]
    loaded = load_base(base, Placement())
    read = [one.ids for one in loaded.encoder.encode(prompts)]
    assert unopened(base).ids(prompts) == read
    found = evaluation_cost(base_run, options())
    rows = [
        Asked(at, ids, one.picture.sha256 if one.picture else None, one.max_new_tokens)
        for at, (ids, one) in enumerate(zip(read, prompts, strict=True))
    ]
    by_task = [[row for row, one in zip(rows, prompts, strict=True) if one.task == task]
               for task in dict.fromkeys(task for task, _ in cells)]  # fmt: skip
    groups = [group for part in by_task for passes in cut_passes(part, Rules(True, False, None, 3))
              for group in passes]  # fmt: skip
    spared = sum(group.shared * (len(group.rows) - 1) for group in groups)
    first = found.stages[0]
    assert (first.to_generate, first.prefill) == (len(prompts), sum(map(len, read)))
    assert 0 < spared == first.prefill - first.shared
    assert first.alike == sum(len(group.rows) for group in groups if group.shared)
    assert first.decode == sum(one.max_new_tokens for one in prompts)
    assert found.picture_tokens == 64


def test_beginnings_are_read_once_where_the_method_allows(base_run):
    base, lora, smolora = evaluation_cost(base_run, options()).stages
    assert (base.shared, base.alike) == (lora.shared, lora.alike)
    assert (smolora.shared, smolora.alike) == (smolora.prefill, 0)
    assert lora.prefill == smolora.prefill
    alone = evaluation_cost(base_run, options(placement=Placement(one_by_one=True))).stages
    assert [(stage.shared, stage.alike) for stage in alone] == [(stage.prefill, 0) for stage in alone]


@pytest.mark.parametrize(
    ("config", "once"),
    [
        ({"peft_type": "LORA"}, True),
        ({"peft_type": "LORA", "alora_invocation_tokens": [1]}, False),
        ({"peft_type": "PROMPT_TUNING"}, False),
        ({"peft_type": "CVIT_BENCH", "method": "moelora"}, True),
        ({"peft_type": "CVIT_BENCH", "method": "branchlora"}, False),
        ({"peft_type": "CVIT_BENCH", "method": "some.where"}, False),
    ],
)
def test_which_adapters_read_beginnings_once(tmp_path, config, once):
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    assert reads_once(tmp_path) is once
    assert reads_once(None)
    assert not reads_once(tmp_path / "nowhere")


def test_work_is_two_operations_a_weight_and_token(base_run):
    found = evaluation_cost(base_run, options())
    loaded = load_base(embedded_base(), Placement()).model
    tower = sum(weight.numel() for weight in loaded.model.vision_tower.parameters())
    assert found.tower == tower
    assert found.weights == sum(weight.numel() for weight in loaded.parameters()) - tower
    tokens = sum(stage.shared + stage.decode for stage in found.stages)
    assert found.tflop == pytest.approx(2e-12 * (found.weights * tokens + tower * 64 * found.pictures))


def test_time_is_told_from_what_was_measured_here(base_run):
    placement = asdict(Placement())
    assert evaluation_cost(base_run, options()).seconds is None
    pace = Pace(placement=placement).plus("00-base", StagePace(samples=30, seconds=2, waited=0.1))
    pace = pace.plus("00-base", StagePace(samples=10, seconds=2, waited=0.1, batch_sizes=(8,)))
    save_json(pace_path(base_run), pace)
    found = evaluation_cost(base_run, options())
    assert (found.rate, found.measured) == (10.0, ("00-base",))
    assert found.seconds == pytest.approx(sum(stage.to_generate for stage in found.stages) / 10)
    assert evaluation_cost(base_run, options(processes=2)).seconds == pytest.approx(found.seconds / 2)
    elsewhere = options(placement=Placement(dtype="bfloat16"))
    assert evaluation_cost(base_run, elsewhere).seconds is None
    pace_path(base_run).write_text("{")
    assert pace_of(base_run, SplitChoice.TEST, placement) == Pace(placement=placement)


def test_it_is_printed_without_torch_and_changes_nothing(base_run):
    before = {path: path.stat().st_mtime_ns for path in base_run.rglob("*")}
    code = (
        "import sys; from cvit_bench.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    words = [
        "evaluate",
        "--run-dir",
        str(base_run),
        "--plan",
        "--limit",
        "5",
        "--variants",
        "3",
        "--device",
        "cpu",
    ]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    found = evaluation_cost(base_run, options())
    for said in (
        f"{sum(stage.prefill for stage in found.stages):,} tokens (64 for a picture)",
        f"{sum(stage.shared for stage in found.stages):,} with what prompts begin with read once",
        f"shared by {sum(stage.alike for stage in found.stages):,} prompts",
        f"at most {sum(stage.decode for stage in found.stages):,} tokens",
        f"TFLOP (2 × {found.weights:,} weights",
        "not known: nothing of this run was answered here so far",
    ):
        assert said in done.stdout
    assert {path: path.stat().st_mtime_ns for path in base_run.rglob("*")} == before


def test_a_scripted_run_has_no_tokens_to_read(toy, inside, on_toy):
    found = json.loads(inside("evaluate", *on_toy, "--plan", "--json")[0])
    assert [stage["to_generate"] for stage in found["stages"]] == [16] * 4
    assert [stage["decode"] for stage in found["stages"]] == [64] * 4
    assert {stage["prefill"] for stage in found["stages"]} == {None}
    assert (found["tflop"], found["samples"]) == (None, 16)
    inside("evaluate", *on_toy)
    found = json.loads(inside("evaluate", *on_toy, "--plan", "--json")[0])
    assert [(stage["to_generate"], stage["decode"]) for stage in found["stages"]] == [(0, 0)] * 4
