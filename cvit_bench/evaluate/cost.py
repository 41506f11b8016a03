"""What an evaluation would cost, told before it is done; opens no model and imports no torch.

Tokens are counted on some samples of each task, cut into passes as the runner does, and scaled to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cvit_bench.evaluate.cells import CellWork
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.sequence import EvaluateOptions, StageWork, outstanding, prepare, ranks
from cvit_bench.models.passes import Asked, Rules, cut_passes
from cvit_bench.models.unopened import Unopened, reads_once, unopened
from cvit_bench.records.cost import EvaluationCost, StageCost
from cvit_bench.records.pace import pace_of
from cvit_bench.records.plan import EvaluationPlan
from cvit_bench.records.sample import Prompt

_COUNTED = 64
"""Samples of a task whose tokens are counted; all where there are no more."""


@dataclass(frozen=True)
class Tokens:
    """Of some prompts: all tokens, those that are read, and how many prompts begin as others do."""

    prompts: int = 0
    prefill: int = 0
    shared: int = 0
    alike: int = 0

    def scaled(self, prompts: float) -> Tokens:
        """Return the same for so many prompts."""
        share = prompts / self.prompts
        counts = (self.prompts, self.prefill, self.shared, self.alike)
        return Tokens(*(round(share * count) for count in counts))

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass
class Counter:
    """Counts the tokens of a task's wordings, each choice of them once for all stages."""

    base: Unopened
    shares: bool = True
    kept: dict[tuple[object, ...], Tokens] = field(default_factory=dict)

    def count(self, cells: Sequence[CellWork], share: bool) -> Tokens:
        """Return the tokens of cells of one task; `share`: beginnings are read once."""
        first = cells[0].prompts[0]
        key = (first.task, *(work.prompts[0].variant for work in cells), share)
        if key not in self.kept:
            self.kept[key] = self._counted(_some(cells), share)
        return self.kept[key]

    def _counted(self, prompts: Sequence[Prompt], share: bool) -> Tokens:
        family = self.base.family
        share = share and self.shares and family.causal and bool(family.tower)
        rules = Rules(share, False, None, self.base.image_token)
        rows = [
            Asked(at, ids, one.picture.sha256 if one.picture else None, one.max_new_tokens)
            for at, (ids, one) in enumerate(zip(self.base.ids(prompts), prompts, strict=True))
        ]
        groups = [group for part in cut_passes(rows, rules) for group in part]
        prefill = sum(len(row.ids) for row in rows)
        spared = sum(group.shared * (len(group.rows) - 1) for group in groups)
        alike = sum(len(group.rows) for group in groups if group.shared)
        return Tokens(len(rows), prefill, prefill - spared, alike)


def _some(cells: Sequence[CellWork]) -> list[Prompt]:
    """Return the prompts of evenly spaced samples of a task, all their wordings side by side."""
    samples: dict[str, list[Prompt]] = {}
    for prompt in (prompt for work in cells for prompt in work.prompts):
        samples.setdefault(prompt.sample_id, []).append(prompt)
    every = -(-len(samples) // _COUNTED)
    return [prompt for name in list(samples)[::every] for prompt in samples[name]]


def evaluation_cost(run_dir: Path, options: EvaluateOptions) -> EvaluationCost:
    """Work out what evaluating a run would cost; nothing is written."""
    inputs, folder, stages, plan = prepare(run_dir, options)
    work = outstanding(inputs, stages, plan, options.placement.arithmetic, ranks(folder, options))
    lacking = {item.stage.name: item for item in work}
    base = unopened(folder)
    counter = Counter(base, not options.placement.one_by_one) if base is not None else None
    names = [stage.name for stage in plan.stages] + [stage.name for stage in plan.few_shot]
    rows = [_stage_cost(inputs, plan, name, lacking.get(name), counter) for name in names]
    pace = pace_of(run_dir, inputs.split, asdict(options.placement))
    to_generate = sum(row.to_generate for row in rows)
    pictures = _pictures(work)
    return EvaluationCost(
        stages=tuple(rows),
        samples=sum(len(inputs.samples(task)) for task in dict.fromkeys(cell.task for cell in plan.cells)),
        pictures=pictures,
        picture_tokens=base.picture_tokens if base else None,
        weights=base.language if base else None,
        tower=base.tower if base else None,
        tflop=_tflop(base, rows, pictures) if base else None,
        rate=pace.rate,
        measured=tuple(pace.stages) if pace.rate else (),
        seconds=to_generate / pace.rate / options.processes if pace.rate else None,
    )


def _stage_cost(
    inputs: RunInputs, plan: EvaluationPlan, name: str, work: StageWork | None, counter: Counter | None
) -> StageCost:
    cells = [cell for cell in plan.cells if cell.stage == name]
    prompts = sum(len(inputs.asked(cell.task, cell.variant)) for cell in cells)
    found = StageCost(name=name, cells=len(cells), prompts=prompts, to_generate=0, to_rank=0)
    if work is None:
        return found if counter is None else found.model_copy(update={"prefill": 0, "shared": 0, "alike": 0})
    tokens = {} if counter is None else asdict(_tokens(work, counter))
    return found.model_copy(
        update={
            "to_generate": work.num_missing,
            "to_rank": work.num_unranked,
            "decode": sum(
                missing.answers * cell.prompts[0].max_new_tokens
                for cell, missing in work.cells
                if missing.answers
            ),
            **{key: tokens[key] for key in ("prefill", "shared", "alike") if tokens},
        }
    )


def _tokens(work: StageWork, counter: Counter) -> Tokens:
    """Return the tokens of the prompts that a stage lacks an answer to, or a ranking of."""
    checkpoint = work.stage.checkpoint
    share = reads_once(checkpoint.folder if checkpoint.kind == "adapter" else None)
    found = Tokens()
    for cells in work.tasks.values():
        if num := sum(missing.rows for _, missing in cells):
            found += counter.count([cell for cell, _ in cells], share).scaled(num)
    return found


def _pictures(work: Sequence[StageWork]) -> int:
    prompts = (prompt for item in work for cell, _ in item.cells for prompt in cell.prompts)
    return len({prompt.picture.sha256 for prompt in prompts if prompt.picture is not None})


def _tflop(base: Unopened, rows: Sequence[StageCost], pictures: int) -> float:
    """Return 2 × weights × tokens in 10^12; a tower whose features are kept looks at a picture once."""
    tokens = sum((row.shared or 0) + row.decode for row in rows)
    looks = pictures if base.family.tower else sum(row.to_generate for row in rows if pictures)
    return 2e-12 * (base.language * tokens + base.tower * looks * (base.picture_tokens or 0))
