"""The gate table and the figures behind it, as markdown."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from benchmarks import gate_rules as rules
from benchmarks.gate_jobs import Figures
from benchmarks.gate_rules import Verdict, score_matrix

Rows = list[Sequence[object]]
SeedFigures = Mapping[str, Figures]


def verdicts(found: SeedFigures, processes: int) -> list[Verdict]:
    """Judge one seed: `found` holds the figures of its three methods."""
    lora, alone, together = (found[name] for name in ("lora", "per_task", "multitask"))
    sequence = score_matrix(lora.results, lora.results.matrices.S)
    own = score_matrix(alone.results, alone.results.matrices.S)
    return [
        rules.zero_shot(sequence, score_matrix(lora.results, lora.results.matrices.F)),
        rules.per_task(own),
        rules.joint(score_matrix(together.results, together.results.matrices.S), own),
        rules.forgetting(sequence),
        rules.by_degrees(sequence),
        rules.both_halves(lora.splits),
        rules.blank_image({task: (row.strict, row.constant) for task, row in together.blank.items()}),
        rules.in_time("training", lora.seconds.get("train"), rules.TRAIN_SECONDS, processes),
        rules.in_time(
            "evaluating the full matrix", lora.seconds.get("evaluate"), rules.EVALUATE_SECONDS, processes
        ),
    ]


def report(found: Mapping[int, SeedFigures], title: str, processes: int) -> tuple[str, bool]:
    """Return the whole report, and whether every gate that counts is passed with every seed."""
    judged = {seed: verdicts(figures, processes) for seed, figures in found.items()}
    rows: Rows = [
        (line.gate, seed, line.measured, line.required, line.word)
        for lines in zip(*judged.values(), strict=True)
        for seed, line in zip(judged, lines, strict=True)
    ]
    parts = [
        f"# Gates: {title}",
        "All scores in percent; captions are CIDEr × 100.",
        _table(("gate", "seed", "measured", "required", "verdict"), rows),
    ]
    for seed, figures in found.items():
        parts += [f"## Seed {seed}", *_details(figures)]
    passed = all(line.passed for lines in judged.values() for line in lines if line.counts)
    return "\n\n".join(parts) + "\n", passed


def _details(found: SeedFigures) -> list[str]:
    lora, together = found["lora"], found["multitask"]
    parts = ["Each task alone and all together:", _learned(found), "Sequential LoRA, S:", _stages(lora, "S")]
    parts += ["Sequential LoRA, F:", _stages(lora, "F"), "Unseen tasks, zero-shot:", _unseen(lora)]
    if lora.splits:
        parts += ["From a task's own stage to the last, ΔS = ΔK + ΔG, in points:", _halves(lora)]
    parts += ["Joint LoRA with a blank picture:", _blank(together)]
    if lora.few_shot:
        parts += ["Tuned on a few samples a class after the last stage:", _few_shot(lora)]
    return [*parts, _seconds(found)]


def _learned(found: SeedFigures) -> str:
    own = score_matrix(found["per_task"].results, found["per_task"].results.matrices.S)
    together = score_matrix(found["multitask"].results, found["multitask"].results.matrices.S)
    sequence = score_matrix(found["lora"].results, found["lora"].results.matrices.S)
    form = score_matrix(found["lora"].results, found["lora"].results.matrices.F)
    rows: Rows = [
        (task, sequence.cell(0, task), form.cell(0, task), own.cell(at, task),
         together.cell(together.last, task))
        for at, task in enumerate(own.sequence(), start=1)
    ]  # fmt: skip
    return _table(("task", "zero-shot S", "zero-shot F", "alone S", "joint S"), rows)


def _stages(lora: Figures, kind: str) -> str:
    matrix = score_matrix(lora.results, getattr(lora.results.matrices, kind))
    rows: Rows = [(stage, *matrix.values[at].tolist()) for at, stage in enumerate(matrix.stages)]
    return _table(("stage", *matrix.tasks), rows)


def _unseen(lora: Figures) -> str:
    matrix = score_matrix(lora.results, lora.results.matrices.S)
    rows: Rows = [
        (task, matrix.cell(0, task), matrix.cell(matrix.last, task)) for task in matrix.unseen_tasks
    ]
    return _table(("task", "stage 0", "last stage"), rows)


def _halves(lora: Figures) -> str:
    rows: Rows = [
        (task, split.own.strict, split.last.strict, split.own.known, split.last.known,
         split.strict, split.known, split.unsaid, split.lenient)
        for task, split in lora.splits.items()
    ]  # fmt: skip
    mean = rules.mean_split(lora.splits)
    rows.append(("mean", "", "", "", "", *(mean or ())))
    headers = ("task", "S own", "S last", "K own", "K last", "ΔS", "ΔK", "ΔG", "lenient ΔK")
    return _table(headers, rows)


def _blank(together: Figures) -> str:
    joint = score_matrix(together.results, together.results.matrices.S)
    rows: Rows = [
        (task, joint.cell(joint.last, task), row.strict, row.constant, row.strict - row.constant,
         row.by_question)
        for task, row in together.blank.items()
    ]  # fmt: skip
    return _table(("task", "S", "S blank", "constant", "over it", "answer by question text"), rows)


def _few_shot(lora: Figures) -> str:
    rows: Rows = [
        (task, "before" if num == 0 else num, score)
        for task, scores in lora.few_shot.items()
        for num, score in scores.items()
    ]
    return _table(("task", "samples a class", "S"), rows)


def _seconds(found: SeedFigures) -> str:
    rows: Rows = [
        (method, figures.seconds.get("train"), figures.seconds.get("evaluate"))
        for method, figures in found.items()
    ]
    return _table(("run, wall seconds", "training", "evaluating"), rows)


def _table(headers: Sequence[str], rows: Rows) -> str:
    return str(tabulate(rows, headers, tablefmt="pipe", floatfmt=".1f", missingval="–"))
