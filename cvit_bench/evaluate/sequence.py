"""Replay a checkpoint sequence: base loaded once, adapters swapped, every cell answered, then scored.

Read this file first. A second call on an unchanged run finds every answer by its key, opens no model and
imports no torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

from cvit_bench.data.instruction_embeddings import told_sha256
from cvit_bench.errors import CvitBenchError, IncompleteRunError
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.blanks import Keys, fill_blanks, missing_blanks
from cvit_bench.evaluate.cells import (
    CellWork,
    Missing,
    answer_settings,
    leave_last,
    missing_in,
    prediction_key,
)
from cvit_bench.evaluate.generate import fill_cells
from cvit_bench.evaluate.inputs import RunInputs, open_run
from cvit_bench.evaluate.pacing import Pacer
from cvit_bench.evaluate.planning import RUNNER_VERSION, Wanted, make_plan
from cvit_bench.evaluate.ranking import BlankWork, Rankings
from cvit_bench.evaluate.reuse import check_runs, take_answers, take_blanks
from cvit_bench.evaluate.score import score_run
from cvit_bench.evaluate.weights import StageWeights, locate_stages
from cvit_bench.models.family import Model, Placement, family_of
from cvit_bench.progress import say
from cvit_bench.records.choices import BatchChoice, CellChoice, Executor, Resample, SplitChoice, TaskChoice
from cvit_bench.records.load import save_json
from cvit_bench.records.lock import at_work
from cvit_bench.records.plan import Design, EvaluationPlan, PlannedCell, cell_path, plan_path
from cvit_bench.records.results import Results
from cvit_bench.records.selftest import selftest_of
from cvit_bench.text import counted

_SHOWN_FAILURES = 5


@dataclass(frozen=True)
class EvaluateOptions:
    """What to evaluate and how; the defaults are those of the command line, but for smaller batches."""

    suite: str | None = None
    split: SplitChoice = SplitChoice.TEST
    tasks: TaskChoice | None = None
    cells: CellChoice = CellChoice.FULL
    variants: int | None = 1
    per_sample: int | None = None
    design_seed: int | None = None
    limit: int | None = None
    batch_size: BatchChoice = 32
    placement: Placement = field(default_factory=Placement)
    data_root: Path | None = None
    references: tuple[Path, ...] = ()
    reuse: tuple[Path, ...] = ()
    resample: Resample = Resample.IMAGES
    ranking: bool = True
    executor: Executor = Executor.LOCAL
    ray_address: str | None = None
    processes: int = 1

    @property
    def batches(self) -> BatchChoice:
        """How many prompts go together."""
        return 1 if self.placement.one_by_one else self.batch_size


@dataclass(frozen=True)
class StageWork:
    """What one stage lacks: the cells without all their answers and rankings, by task, and blank pictures."""

    stage: StageWeights
    tasks: dict[str, list[tuple[CellWork, Missing]]]
    blanks: list[tuple[BlankWork, Keys]]

    @property
    def cells(self) -> list[tuple[CellWork, Missing]]:
        """All of them."""
        return [cell for cells in self.tasks.values() for cell in cells]

    @property
    def num_missing(self) -> int:
        """Number of prompts to answer."""
        return sum(missing.answers for _, missing in self.cells)

    @property
    def num_unranked(self) -> int:
        """Number of prompts whose allowed answers are to be ranked, blank pictures among them."""
        on_blank = sum(len(missing) for _, missing in self.blanks)
        return on_blank + sum(missing.rankings for _, missing in self.cells)

    def by_task(self) -> list["StageWork"]:
        """Cut it into parts that write files of their own each."""
        blanks = {work.asks[0].prompt.task: [(work, missing)] for work, missing in self.blanks}
        return [
            StageWork(
                self.stage, {task: self.tasks[task]} if task in self.tasks else {}, blanks.get(task, [])
            )
            for task in dict.fromkeys([*self.tasks, *blanks])
        ]


def evaluate(run_dir: Path, options: EvaluateOptions) -> Results:
    """Answer all planned cells of a run, score them, write and return its results.

    Raises IncompleteRunError when a prompt could not be answered: what is done stays, the next call tries
    the failed ones again.
    """
    inputs, base, stages, plan = prepare(run_dir, options)
    check_runs(options.reuse)
    with at_work(run_dir, "evaluate"):
        save_json(plan_path(run_dir, plan.split), plan)
        failures = _replay(inputs, base, stages, plan, options)
        if failures:
            shown = "\n".join(failures[:_SHOWN_FAILURES])
            raise IncompleteRunError(
                f"{shown}\n{counted(len(failures), 'prompt')} could not be answered or ranked; "
                "the same command tries them again"
            )
        return score_run(inputs, plan, options.references, options.resample)


def prepare(
    run_dir: Path, options: EvaluateOptions
) -> tuple[RunInputs, Path, list[StageWeights], EvaluationPlan]:
    """Open a run and plan its cells; nothing is written and no model is opened."""
    _refuse_idle(options)
    inputs = open_run(
        run_dir, options.suite, options.limit, options.data_root, options.split, design=_design(options)
    )
    base, stages = locate_stages(run_dir, inputs.manifest)
    wanted = Wanted(options.cells, options.tasks, options.variants)
    plan = make_plan(inputs, stages, wanted, options.batches, asdict(options.placement))
    return inputs, base, stages, plan


def _refuse_idle(options: EvaluateOptions) -> None:
    """Raise where an option has nothing to act on: it would be ignored."""
    if options.ray_address is not None and options.executor is not Executor.RAY:
        raise CvitBenchError(f"--ray-address {options.ray_address}: only used with --executor ray")
    if options.design_seed is not None and options.per_sample is None:
        raise CvitBenchError(f"--design-seed {options.design_seed}: only used with --per-sample")


def _design(options: EvaluateOptions) -> Design | None:
    if options.per_sample is None:
        return None
    if options.variants is not None and options.variants < options.per_sample:
        raise CvitBenchError(
            f"--per-sample {options.per_sample}: more than the wordings that are asked (--variants "
            f"{options.variants}); --variants all asks all of them"
        )
    return Design(per_sample=options.per_sample, variants=options.variants, seed=options.design_seed or 0)


def ranks(base: Path, options: EvaluateOptions) -> bool:
    """Tell whether allowed answers are ranked: asked for, and the model's family can."""
    return options.ranking and family_of(base).ranks


def outstanding(
    inputs: RunInputs,
    stages: Sequence[StageWeights],
    plan: EvaluationPlan,
    dtype: str,
    ranking: bool,
    tidies: bool = False,
) -> list[StageWork]:
    """Return, stage by stage, the cells that lack answers or (`ranking`) rankings.

    Nothing is written, but where it `tidies`: what a kill left in files that lack nothing goes.
    """
    settings = answer_settings(RUNNER_VERSION, dtype)
    work: list[StageWork] = []
    for stage in stages:
        rankings = Rankings(inputs, plan, stage, dtype) if ranking else None
        lacking: dict[str, list[tuple[CellWork, Missing]]] = {}
        for cell in (cell for cell in plan.cells if cell.stage == stage.name):
            found = _cell_work(inputs, stage, plan, cell, settings, rankings)
            missing = missing_in(found)
            if missing.rows:
                lacking.setdefault(cell.task, []).append((found, missing))
            elif tidies and missing.untidy:
                leave_last(found)
        on_blank = [(one, missing_blanks(one)) for one in (rankings.on_blank() if rankings else ())]
        blanks = [(one, keys) for one, keys in on_blank if keys]
        if lacking or blanks:
            work.append(StageWork(stage, lacking, blanks))
    return work


def _cell_work(
    inputs: RunInputs,
    stage: StageWeights,
    plan: EvaluationPlan,
    cell: PlannedCell,
    settings: dict[str, object],
    rankings: Rankings | None,
) -> CellWork:
    prompts = inputs.prompts(cell.task, cell.variant)
    if mode := stage.instruction_mode:
        template, wording = inputs.template(cell.task), inputs.variant(cell.task, cell.variant)
        settings = {**settings, "instruction": told_sha256(template, wording, mode)}
    keys = [prediction_key(stage.sha256, prompt, settings) for prompt in prompts]
    asks = rankings.of_cell(cell) if rankings is not None else []
    return CellWork(cell_path(inputs.run_dir, cell, plan.split), prompts, keys, asks)


def _lacking(
    inputs: RunInputs,
    base: Path,
    stages: Sequence[StageWeights],
    plan: EvaluationPlan,
    options: EvaluateOptions,
) -> list[StageWork]:
    """Return what is to be done, once other runs have given what they know."""
    does_rank = ranks(base, options)
    work = outstanding(inputs, stages, plan, options.placement.arithmetic, does_rank, tidies=True)
    for other in options.reuse if work else ():
        count = sum(take_answers(inputs.run_dir, other, one.cells) for one in work)
        for one in work:
            take_blanks(inputs.run_dir, other, one.blanks)
        say(f"{inputs.run_dir.name}: {counted(count, 'answer')} taken over from {other}")
        work = outstanding(inputs, stages, plan, options.placement.arithmetic, does_rank)
    return work


def _replay(
    inputs: RunInputs,
    base: Path,
    stages: Sequence[StageWeights],
    plan: EvaluationPlan,
    options: EvaluateOptions,
) -> list[str]:
    work = _lacking(inputs, base, stages, plan, options)
    if not work:
        say(f"{inputs.run_dir.name}, {counted(len(plan.cells), 'cell')}: all answered already")
        return []

    _warn(inputs.run_dir, plan, options.placement)
    pacer = Pacer(inputs.run_dir, plan.split, asdict(options.placement))
    sizes: WeakKeyDictionary[Model, BatchSize] = WeakKeyDictionary()

    def replay(part: StageWork, model: Model) -> list[str]:
        size = sizes.setdefault(model, BatchSize(options.batches))
        return replay_stage(part, model, size, pacer)

    if options.executor is Executor.RAY:
        from cvit_bench.evaluate.ray_executor import on_ray

        parts = [part for stage_work in work for part in stage_work.by_task()]
        return on_ray(parts, replay, base, options.placement, options.ray_address)
    if options.processes > 1:
        from cvit_bench.evaluate.processes import in_processes

        parts = [part for stage_work in work for part in stage_work.by_task()]
        return in_processes(parts, replay, base, options.placement, options.processes)
    model = family_of(base).load(base, options.placement)
    return [failure for stage_work in work for failure in replay(stage_work, model)]


def _warn(run_dir: Path, plan: EvaluationPlan, placement: Placement) -> None:
    """Say so where the run's self-test found that answers computed in this way are others than plain ones."""
    weights = {one.name: one.weights for one in plan.stages}
    found = selftest_of(run_dir, weights | {one.name: one.weights for one in plan.few_shot})
    if found is None or placement.one_by_one or not found.differs_from_plain(asdict(placement)):
        return
    say(
        f"warning: the self-test of this run failed ({found.verdict}); --one-by-one answers each prompt "
        "alone, nothing shared or merged"
    )


def replay_stage(work: StageWork, model: Model, size: BatchSize, pacer: Pacer) -> list[str]:
    """Make what a stage lacks; return a complaint for each prompt that failed."""
    failures: list[str] = []
    model.use(work.stage.checkpoint)
    label = f"{pacer.run} {work.stage.name}"
    if work.tasks:
        num_rows = sum(missing.rows for _, missing in work.cells)
        about = f"{label}, {counted(len(work.cells), 'cell')}"
        with pacer.metered(work.stage.name, about, num_rows, model, size) as meter:
            for cells in work.tasks.values():
                failures += fill_cells(cells, model, size, meter)
    if work.blanks:
        failures += fill_blanks(work.blanks, model, size.now, label)
    return failures
