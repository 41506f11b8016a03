"""Which rankings a run needs: of the allowed answers of every sample, and once on a blank picture.

Answers and rankings have keys of their own: a ranking that is missing is made without generating the answer
again. Form changes are not ranked: the allowed answers are not in the form that they ask for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cvit_bench.data.candidates import Candidates, candidates_sha256
from cvit_bench.data.images import blank_picture
from cvit_bench.data.instruction_embeddings import told_sha256
from cvit_bench.data.prompts import build_prompts
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.weights import StageWeights
from cvit_bench.records.files import sha256_json
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, blank_path, cell_path
from cvit_bench.records.sample import Prompt

RANKING_VERSION = 1


@dataclass(frozen=True)
class Ask:
    """A prompt, the allowed answers that are ranked behind it, their hash, and the key of the ranking."""

    prompt: Prompt
    candidates: Candidates
    sha256: str
    key: str

    @property
    def answers(self) -> list[str]:
        """All spellings, one answer after another."""
        return [spelling for spellings in self.candidates for spelling in spellings]


@dataclass(frozen=True)
class RankWork:
    """The rankings of one file: a cell's predictions, or (`is_blank`) those on a blank picture."""

    path: Path
    asks: Sequence[Ask]
    is_blank: bool = False


def rank_work(inputs: RunInputs, plan: EvaluationPlan, stage: StageWeights, dtype: str) -> Iterable[RankWork]:
    """Yield the rankings that one stage needs, whether they are there or not."""
    cells = [cell for cell in plan.cells if cell.stage == stage.name and is_ranked(inputs, cell)]
    for cell in cells:
        prompts = inputs.prompts(cell.task, cell.variant)
        path = cell_path(inputs.run_dir, cell, plan.split)
        yield RankWork(path, _asks(inputs, cell.task, prompts, _weighed(stage, dtype)))
    for task in dict.fromkeys(cell.task for cell in cells):
        path = blank_path(inputs.run_dir, stage.name, task, plan.split)
        yield RankWork(path, _asks(inputs, task, blank_prompts(inputs, task), _weighed(stage, dtype)), True)


def is_ranked(inputs: RunInputs, cell: PlannedCell) -> bool:
    """Tell whether the allowed answers of a cell's samples are ranked."""
    return bool(inputs.task(cell.task).sources) and inputs.variant(cell.task, cell.variant).asks is None


def _weighed(stage: StageWeights, dtype: str) -> Callable[[Prompt, str], str]:
    """Return what makes the key of a ranking from a prompt and the hash of its allowed answers."""
    settings = {"ranking": RANKING_VERSION, "dtype": dtype}
    heard: dict[str, str | None] = {}

    def key(prompt: Prompt, candidates: str) -> str:
        picture = prompt.picture.sha256 if prompt.picture is not None else None
        if prompt.variant not in heard:
            heard[prompt.variant] = _told(prompt, stage.instruction_mode)
        told = heard[prompt.variant]
        return sha256_json([stage.sha256, picture, prompt.text, candidates, told, settings])

    return key


def _told(prompt: Prompt, mode: str | None) -> str | None:
    """Return the hash of what a router is told about a prompt's instruction, None where it hears nothing."""
    if not mode or prompt.template is None or prompt.wording is None:
        return None
    return told_sha256(prompt.template, prompt.wording, mode)


def _asks(
    inputs: RunInputs, task: str, prompts: Iterable[Prompt], key: Callable[[Prompt, str], str]
) -> list[Ask]:
    """Return what is asked about each prompt of a task."""
    allowed = inputs.allowed(task)
    hashes = {candidates: candidates_sha256(candidates) for candidates in set(allowed.values())}
    found = []
    for prompt in prompts:
        candidates = allowed[prompt.sample_id]
        found.append(Ask(prompt, candidates, hashes[candidates], key(prompt, hashes[candidates])))
    return found


def blank_prompts(inputs: RunInputs, task: str) -> list[Prompt]:
    """Return the samples with a picture in the first wording, on a blank one; what is the same only once."""
    record, template, allowed = inputs.task(task), inputs.template(task), inputs.allowed(task)
    seen = [sample for sample in inputs.samples(task) if sample.picture is not None]
    prompts = build_prompts(record, template, template.variants[0], seen)
    distinct = {(prompt.text, allowed[prompt.sample_id]): prompt for prompt in reversed(prompts)}
    return [replace(prompt, picture=blank_picture()) for prompt in reversed(distinct.values())]
