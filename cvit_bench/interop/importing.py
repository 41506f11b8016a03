"""From other tools' answers to a run directory: manifest, plan and predictions, or a matrix; no checkpoint.

The directory is built beside its place and moved there when all of it is whole.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer
from cvit_bench.interop.joining import Wanted, join
from cvit_bench.interop.placing import About, Importing, placed
from cvit_bench.interop.whole import whole_folder
from cvit_bench.records.files import sha256_bytes, sha256_json, write_bytes
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import MANIFEST, Manifest, Stage
from cvit_bench.records.named import as_base, as_name, run_name
from cvit_bench.records.plan import (
    IMPORTED,
    EvaluationPlan,
    PlannedCell,
    PlannedFewShot,
    PlannedStage,
    cell_path,
    plan_path,
    typed_path,
)
from cvit_bench.records.prediction import Prediction
from cvit_bench.records.results import StageInfo
from cvit_bench.records.sample import Sample
from cvit_bench.records.typed import TypedMatrix
from cvit_bench.text import counted, one_space


def import_run(
    format_: str, path: Path, suite: str, run_dir: Path, about: About, data_root: Path | None = None
) -> list[str]:
    """Make a run directory of what lies at `path`; return what was done, a line each."""
    if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
        raise CvitBenchError(f"--run-dir {run_dir}: is there already")
    found = plugins.load(plugins.IMPORTS, format_).find(path)
    if not found:
        raise CvitBenchError(f"{path}: holds nothing of the format {format_!r}")
    work = placed(format_, path, suite, about, found, data_root)
    manifest = _manifest(work, run_name(run_dir))
    with whole_folder(run_dir) as folder:
        num = _write_answers(work, folder) if work.has_answers else _write_typed(work, folder)
        save_json(folder / MANIFEST, manifest)
    what = counted(num, "answer") if work.has_answers else f"{counted(num, 'score')} without samples"
    cells = counted(len(work.cells), "cell")
    return [*work.skipped, f"{run_dir}: {what} of {cells}; `cvit-bench score` is next"]


def _write_answers(work: Importing, folder: Path) -> int:
    """Write predictions and plan; return how many answers there are.

    Where every prompt is the suite's own first wording, to the word, the answers are named by it and stand in
    pairs with those of runs of ours.
    """
    digests: dict[str, list[Any]] = {}
    num, is_ours = 0, True
    for cell in work.cells:
        if cell.found.read is None:
            continue
        wanted = Wanted(cell.task, work.samples(cell.task), work.about.any_question)
        pairs = join(cell.found.place, cell.found.read(), wanted)
        wordings = work.wordings(cell.task)
        is_ours = is_ours and all(_is_worded(answer, wordings[sample.id]) for sample, answer in pairs)
        path = cell_path(folder, PlannedCell(stage=cell.stage, task=cell.task, variant=IMPORTED))
        digest = _write_cell(path, pairs, wordings if is_ours else None)
        digests.setdefault(cell.stage, []).append([cell.task, digest])
        num += len(pairs)
    variants = {cell.task: work.first_variant(cell.task) if is_ours else IMPORTED for cell in work.cells}
    plan = _plan(work, {name: sha256_json(found) for name, found in digests.items()}, variants)
    for planned in plan.cells if is_ours else ():
        path = cell_path(folder, planned)
        path.with_stem(IMPORTED).replace(path)
    save_json(plan_path(folder), plan)
    return num


def _is_worded(answer: Answer, wording: str) -> bool:
    """Tell whether an answer was asked in that wording; where the picture stands is not part of it."""
    return one_space((answer.prompt or "").replace("<image>", "")) == one_space(wording)


def _write_cell(path: Path, pairs: Sequence[tuple[Sample, Answer]], wordings: dict[str, str] | None) -> str:
    """Write one cell's predictions, with the suite's wordings where they are those; return a hash of all."""
    digest = sha256_json([[sample.id, answer.text, answer.prompt] for sample, answer in pairs])
    lines = [
        Prediction(
            id=sample.id,
            key=sha256_bytes(f"{digest} {sample.id}".encode()),
            prompt=wordings[sample.id] if wordings else answer.prompt or "",
            text=answer.text,
        ).model_dump_json()
        for sample, answer in pairs
    ]
    write_bytes(path, ("\n".join(lines) + "\n").encode("utf-8"))
    return digest


def _plan(work: Importing, digests: dict[str, str], variants: dict[str, str]) -> EvaluationPlan:
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
            for cell in work.beside
        ),
        cells=tuple(
            PlannedCell(stage=cell.stage, task=cell.task, variant=variants[cell.task])
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
        Stage(name=cell.stage, tasks=(cell.task,), checkpoint="none", kind="answers", shots=cell.found.shots)
        for cell in work.beside
    ]
    return Manifest(
        run=run,
        suite=work.spec,
        suite_version=suite.version,
        method=as_name("--method", about.method),
        title=about.title,
        schedule=about.learned,
        seed=about.seed,
        task_identity=about.task_identity,
        templates=suite.templates,
        base=as_base(about.base),
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
