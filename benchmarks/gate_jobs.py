"""What the gates need measured: each job trains one run, replays it, and asks it further questions.

Runs live under OUT/<method>-<seed>; trained stages, answered and ranked cells are reused as everywhere.
Answers on a blank picture are kept in OUT/asked/<hash>.json, named after the weights and all that was asked;
the seconds of a run that was trained or answered in one go in OUT/seconds/<run>.json.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clock import Clock
from benchmarks.gate_rules import Knowledge, Split, score_matrix
from benchmarks.probing import BlankScores, blank_scores
from cvit_bench.cli.train import run_training
from cvit_bench.evaluate.inputs import RunInputs, open_run
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.evaluate.weights import locate_stages
from cvit_bench.models.family import Placement
from cvit_bench.models.replay import ReplayModel
from cvit_bench.progress import plain, say
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.files import sha256_json, write_text
from cvit_bench.records.results import Results
from cvit_bench.records.sample import Prompt

ASKED_VERSION = 1
METHODS = ("lora", "per_task", "multitask")
_PLACEMENT = Placement()
_CELLS = {"multitask": CellChoice.FINAL}


@dataclass(frozen=True)
class Plan:
    """What is measured: a suite on a base, where runs go, and for trials fewer samples or other settings."""

    suite: str
    base: str | None
    out: Path
    limit: int | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """What one job found out."""

    results: Results
    seconds: Mapping[str, float]
    splits: Mapping[str, Split] = field(default_factory=dict)
    blank: Mapping[str, BlankScores] = field(default_factory=dict)
    few_shot: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


def run_job(plan: Plan, method: str, seed: int) -> Figures:
    """Train and replay one method with one seed; rank after `lora`, ask blank pictures after `multitask`."""
    plain()
    run_dir = plan.out / f"{method}-{seed}"
    clock = Clock(plan.out / "seconds" / f"{run_dir.name}.json")
    say(f"== {run_dir.name}")
    with clock("train", is_new=not (run_dir / "stages").exists()):
        run_training(
            method, plan.suite, run_dir, base=plan.base, seed=seed, overrides=[*plan.overrides], device="cpu"
        )
    cells = _CELLS.get(method, CellChoice.FULL)
    options = EvaluateOptions(limit=plan.limit, cells=cells, batch_size=64, ranking=method == "lora")
    with clock("evaluate", is_new=not (run_dir / "predictions").exists()):
        results = evaluate(run_dir, options)
    inputs = open_run(run_dir, limit=plan.limit)
    asked = plan.out / "asked"
    if method == "lora":
        return Figures(results, clock.seconds, _splits(results), few_shot=_few_shot(results))
    if method == "multitask":
        return Figures(results, clock.seconds, blank=_blank(inputs, asked))
    return Figures(results, clock.seconds)


def _kept(folder: Path, key: object, compute: Callable[[], Any]) -> Any:
    """Return what was computed under a key before, else compute and keep it (anything that JSON can hold)."""
    path = folder / f"{sha256_json([ASKED_VERSION, key])}.json"
    if not path.exists():
        write_text(path, json.dumps(compute()) + "\n")
    return json.loads(path.read_text(encoding="utf-8"))


def _asked_of(inputs: RunInputs, task: str) -> list[object]:
    """Return what a task asks: its file, then wording, picture and right answers of every test prompt."""
    rows = [
        (prompt.text, prompt.picture.sha256 if prompt.picture else "", sample.answers)
        for prompt, sample in zip(_prompts(inputs, task), inputs.samples(task), strict=True)
    ]
    return [inputs.task(task).model_dump(mode="json"), rows]


def _prompts(inputs: RunInputs, task: str) -> list[Prompt]:
    """Return the test prompts of a task in its template's first wording."""
    return inputs.prompts(task, inputs.template(task).variants[0].id)


def _splits(results: Results) -> dict[str, Split]:
    """Split the loss of S of every task but the last one trained whose K is ranked."""
    strict, known = (score_matrix(results, values) for values in (results.matrices.S, results.matrices.K))
    lenient = score_matrix(results, results.matrices.L or results.matrices.K)
    ranked = {task.name for task in results.tasks if task.knowledge == "ranked"}

    def at(stage: int, task: str) -> Knowledge:
        right, all_known = strict.cell(stage, task), known.cell(stage, task)
        return Knowledge(float(right), float(all_known - right))

    return {
        task: Split(
            at(own, task),
            at(strict.last, task),
            float(lenient.cell(own, task) - lenient.cell(strict.last, task)),
        )
        for own, task in enumerate(strict.sequence()[:-1], start=1)
        if task in ranked
    }


def _blank(inputs: RunInputs, asked: Path) -> dict[str, BlankScores]:
    """Ask every task of the suite with a blank picture at the last stage."""
    base, found_stages = locate_stages(inputs.run_dir, inputs.manifest)
    stages = [stage for stage in found_stages if stage.shots is None]
    model: list[ReplayModel] = []

    def ask(task: str) -> dict[str, float]:
        if not model:
            model.append(ReplayModel(base, _PLACEMENT))
            model[0].use(stages[-1].checkpoint)
        return asdict(blank_scores(inputs, model[0], task))

    found = {}
    for task in inputs.suite.tasks:
        key = ["blank", stages[-1].sha256, _asked_of(inputs, task)]
        found[task] = BlankScores(**_kept(asked, key, partial(ask, task)))
    return found


def _few_shot(results: Results) -> dict[str, dict[int, float]]:
    """Return S of a few-shot task at the last stage (0) and after tuning on so many samples a class."""
    strict = score_matrix(results, results.matrices.S)
    found: dict[str, dict[int, float]] = {}
    for row in (one for one in results.few_shot if not one.from_base):
        found.setdefault(row.task, {0: strict.cell(strict.last, row.task)})[row.shots] = row.strict.value
    return found
