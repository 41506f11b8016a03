"""From other tools' answers to a run directory: manifest, plan and predictions, or a matrix; no checkpoint.

The directory is built beside its place and moved there when all of it is whole.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cvit_bench import plugins
from cvit_bench.data.library import Library, open_suite
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer, FoundCell
from cvit_bench.interop.joining import Wanted, join
from cvit_bench.interop.labels import BASE, JOINT, Labels
from cvit_bench.records.files import sha256_bytes, sha256_json, write_bytes
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import MANIFEST, BaseModelRef, Manifest, Stage, TaskIdentity
from cvit_bench.records.plan import (
    BASE_STAGE,
    IMPORTED,
    EvaluationPlan,
    PlannedCell,
    PlannedFewShot,
    PlannedStage,
    cell_path,
    plan_path,
)
from cvit_bench.records.prediction import Prediction
from cvit_bench.records.results import StageInfo
from cvit_bench.records.sample import Sample
from cvit_bench.records.suite import Suite
from cvit_bench.records.typed import TypedMatrix, typed_path
from cvit_bench.text import unknown_name

Learned = Literal["sequential", "multitask"]


@dataclass(frozen=True)
class About:
    """What the files do not say about the run.

    Attributes:
        method: name of the method; `title` is what tables show.
        order: train tasks in the order learned; empty for the suite's.
        learned: one task after another, or all at once (then `joint` is the stage).
        any_question: take prompts that do not hold the suite's question.
    """

    method: str = "imported"
    title: str | None = None
    seed: int | None = None
    base: str = "unknown"
    task_identity: TaskIdentity = "unknown"
    order: tuple[str, ...] = ()
    learned: Learned = "sequential"
    task_names: dict[str, str] = field(default_factory=dict)
    stage_names: dict[str, str] = field(default_factory=dict)
    any_question: bool = False


@dataclass(frozen=True)
class Placed:
    """A found cell with its stage's name in the run directory and its task in the suite."""

    stage: str
    task: str
    found: FoundCell


@dataclass
class Importing:
    """An import under way: the suite, the stages of the run, and the cells by place."""

    format: str
    source: Path
    about: About
    library: Library
    suite: Suite
    spec: str
    cells: list[Placed]
    skipped: list[str]
    data_root: Path | None = None
    _samples: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, ...]:
        """Train tasks in the order learned."""
        return self.about.order or self.suite.train

    @property
    def stages(self) -> dict[str, tuple[str, ...]]:
        """Stages of the sequence with the tasks that each learned, the base first."""
        if self.about.learned == "multitask":
            return {BASE_STAGE: (), f"01-{JOINT}": self.suite.train}
        return {BASE_STAGE: (), **{name: (task,) for task, name in _names(self.order).items()}}

    @property
    def beside(self) -> dict[str, FoundCell]:
        """Few-shot stages beside the sequence."""
        return {cell.stage: cell.found for cell in self.cells if cell.stage not in self.stages}

    @property
    def has_answers(self) -> bool:
        """Tell whether there are answers, and not only scores."""
        return any(cell.found.read is not None for cell in self.cells)

    def samples(self, task: str) -> list[Sample]:
        """Return a task's test samples."""
        if task not in self._samples:
            self._samples[task] = load_samples(self.library.task(task), "test", self.data_root)
        return self._samples[task]


def import_run(
    format_: str, path: Path, suite: str, run_dir: Path, about: About, data_root: Path | None = None
) -> list[str]:
    """Make a run directory of what lies at `path`; return what was done, a line each."""
    if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise CvitBenchError(f"--run-dir {run_dir}: is there already")
    found = plugins.load(plugins.IMPORTS, format_).find(path)
    if not found:
        raise CvitBenchError(f"{path}: holds nothing of the format {format_!r}")
    work = _placed(format_, path, suite, about, found, data_root)
    with _whole(run_dir) as folder:
        num = _write_answers(work, folder, run_dir.name) if work.has_answers else _write_typed(work, folder)
        save_json(folder / MANIFEST, _manifest(work, run_dir.name))
    what = f"{num} answers" if work.has_answers else f"{num} scores without samples"
    return [*work.skipped, f"{run_dir}: {what} of {len(work.cells)} cells; `cvit-bench score` is next"]


def _placed(
    format_: str, path: Path, spec: str, about: About, found: Sequence[FoundCell], data_root: Path | None
) -> Importing:
    library, suite = open_suite(spec)
    for name in about.order:
        if name not in suite.train:
            raise CvitBenchError(f"--order: {unknown_name('train task', name, suite.train)}")
    if about.order and sorted(about.order) != sorted(suite.train):
        raise CvitBenchError(f"--order: names {len(about.order)} of {len(suite.train)} train tasks")
    tasks = {name: library.task(name) for name in suite.tasks}
    work = Importing(format_, path, about, library, suite, spec, [], [], data_root)
    labels = Labels(suite, tasks, work.order, about.task_names, about.stage_names)
    places: dict[tuple[str, str], FoundCell] = {}
    has_answers = any(cell.read is not None for cell in found)
    for cell in found:
        task = labels.task(cell.task, cell.place)
        stage = _stage(work, labels.stage(cell.stage, task, cell.place), cell, task)
        if stage is None:
            work.skipped.append(f"{cell.place}: skipped, it belongs to another schedule (--schedule)")
        elif has_answers and cell.read is None:
            work.skipped.append(f"{cell.place}: skipped, a score without answers")
        elif (stage, task) in places:
            raise CvitBenchError(
                f"{cell.place}: stage {stage}, task {task}: so is {places[stage, task].place}"
            )
        else:
            places[stage, task] = cell
            work.cells.append(Placed(stage, task, cell))
    if not work.cells:
        raise CvitBenchError(f"{path}: holds no cell of a {about.learned} run")
    return work


def _stage(work: Importing, label: str, cell: FoundCell, task: str) -> str | None:
    """Return the name of a cell's stage, None where it belongs to another schedule."""
    joint = work.about.learned == "multitask"
    if cell.shots is not None and cell.shots in work.suite.few_shot.get(task, ()):
        return None if joint else f"{len(work.order) + 1:02d}-{task}-{cell.shots}shot"
    if label == BASE:
        return BASE_STAGE
    if (label == JOINT) != joint:
        return None
    return f"01-{JOINT}" if joint else _names(work.order)[label]


def _names(order: Sequence[str]) -> dict[str, str]:
    return {task: f"{at:02d}-{task}" for at, task in enumerate(order, start=1)}


@contextmanager
def _whole(run_dir: Path) -> Iterator[Path]:
    """Give a folder beside `run_dir` that takes its place at the end, or is gone."""
    try:
        run_dir.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{run_dir.name}.", suffix=".part", dir=run_dir.parent))
        folder.chmod(0o755)
    except OSError as error:
        raise CvitBenchError(f"{run_dir}: cannot be written ({error.strerror})") from error
    try:
        yield folder
        folder.replace(run_dir)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_answers(work: Importing, folder: Path, run: str) -> int:
    """Write predictions and plan; return how many answers there are."""
    digests: dict[str, list[Any]] = {}
    num = 0
    for cell in work.cells:
        if cell.found.read is None:
            continue
        wanted = Wanted(cell.task, work.samples(cell.task), work.about.any_question)
        pairs = join(cell.found.place, cell.found.read(), wanted)
        path = cell_path(folder, PlannedCell(stage=cell.stage, task=cell.task, variant=IMPORTED))
        digest = _write_cell(path, pairs)
        digests.setdefault(cell.stage, []).append([cell.task, digest])
        num += len(pairs)
    save_json(plan_path(folder), _plan(work, {name: sha256_json(found) for name, found in digests.items()}))
    return num


def _write_cell(path: Path, pairs: Sequence[tuple[Sample, Answer]]) -> str:
    """Write one cell's predictions; return the hash of what was said."""
    digest = sha256_json([[sample.id, answer.text, answer.prompt] for sample, answer in pairs])
    lines = [
        Prediction(
            id=sample.id,
            key=sha256_bytes(f"{digest} {sample.id}".encode()),
            prompt=answer.prompt or "",
            text=answer.text,
        ).model_dump_json()
        for sample, answer in pairs
    ]
    write_bytes(path, ("\n".join(lines) + "\n").encode("utf-8"))
    return digest


def _plan(work: Importing, digests: dict[str, str]) -> EvaluationPlan:
    """Return the plan of what was found; in place of weights stands the hash of a stage's answers."""
    nothing = sha256_json([])
    return EvaluationPlan(
        suite=work.spec,
        suite_version=work.suite.version,
        stages=tuple(
            PlannedStage(name=name, tasks=tasks, weights=digests.get(name, nothing))
            for name, tasks in work.stages.items()
        ),
        few_shot=tuple(
            PlannedFewShot(
                name=cell.stage, task=cell.task, shots=cell.found.shots or 1, weights=digests[cell.stage]
            )
            for cell in work.cells
            if cell.stage in work.beside
        ),
        cells=tuple(
            PlannedCell(stage=cell.stage, task=cell.task, variant=IMPORTED)
            for cell in sorted(work.cells, key=lambda cell: cell.stage)
        ),
        batch_size=1,
        generation={"imported": work.format},
    )


def _write_typed(work: Importing, folder: Path) -> int:
    """Write the scores as a matrix; return how many there are."""
    answered = {cell.task for cell in work.cells}
    tasks = tuple(name for name in work.suite.tasks if name in answered)
    scores = {(cell.stage, cell.task): cell.found.score for cell in work.cells}
    record = TypedMatrix(
        suite=work.spec,
        suite_version=work.suite.version,
        stages=tuple(StageInfo(name=name, tasks=learned) for name, learned in work.stages.items()),
        tasks=tasks,
        values=tuple(tuple(scores.get((stage, task)) for task in tasks) for stage in work.stages),
    )
    save_json(typed_path(folder), record)
    return len(scores)


def _manifest(work: Importing, run: str) -> Manifest:
    about, suite = work.about, work.suite
    stages = [
        Stage(name=name, tasks=tasks, checkpoint="none", kind="answers")
        for name, tasks in work.stages.items()
        if tasks
    ]
    stages += [
        Stage(name=name, tasks=(cell.task,), checkpoint="none", kind="answers", shots=cell.found.shots)
        for name, cell in {cell.stage: cell for cell in work.cells if cell.stage in work.beside}.items()
    ]
    return Manifest(
        run=run,
        suite=work.spec,
        suite_version=suite.version,
        method=about.method,
        title=about.title,
        schedule=about.learned,
        seed=about.seed,
        task_identity=about.task_identity,
        templates=suite.templates,
        base=BaseModelRef(path=about.base),
        stages=tuple(stages),
        provenance={"imported": _origin(work)},
    )


def _origin(work: Importing) -> dict[str, Any]:
    """Return what is known of where a run comes from, with the scores that its own tool reported."""
    reported: dict[str, dict[str, float]] = {}
    for cell in work.cells:
        if cell.found.score is not None and work.has_answers:
            reported.setdefault(cell.stage, {})[cell.task] = cell.found.score
    return {"format": work.format, "from": work.source.name, **({"reported": reported} if reported else {})}
