"""Which rankings a run needs: of the allowed answers of every sample, and once on a blank picture.

Answers and rankings have keys of their own: a ranking that is missing is made without generating the answer
again. Form changes are not ranked: the allowed answers are not in the form that they ask for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cvit_bench.data.candidates import candidates_sha256
from cvit_bench.data.images import blank_picture
from cvit_bench.data.instruction_embeddings import told_sha256
from cvit_bench.data.prompts import build_prompts
from cvit_bench.evaluate.asking import Ask
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.weights import StageWeights
from cvit_bench.records.files import sha256_json
from cvit_bench.records.plan import EvaluationPlan, PlannedCell, blank_path
from cvit_bench.records.sample import Prompt

RANKING_VERSION = 1


@dataclass(frozen=True)
class BlankWork:
    """The rankings of a task on a blank picture, and the file that they lie in."""

    path: Path
    asks: Sequence[Ask]


@dataclass(frozen=True)
class Rankings:
    """Which rankings one stage needs, whether they are there or not."""

    inputs: RunInputs
    plan: EvaluationPlan
    stage: StageWeights
    dtype: str

    def of_cell(self, cell: PlannedCell) -> list[Ask]:
        """Return what is asked behind each prompt of a cell, nothing where it is not ranked."""
        if not is_ranked(self.inputs, cell):
            return []
        return self._asks(cell.task, self.inputs.prompts(cell.task, cell.variant))

    def on_blank(self) -> Iterator[BlankWork]:
        """Yield what is asked on a blank picture, task by task."""
        mine = [cell for cell in self.plan.cells if cell.stage == self.stage.name]
        for task in dict.fromkeys(cell.task for cell in mine if is_ranked(self.inputs, cell)):
            path = blank_path(self.inputs.run_dir, self.stage.name, task, self.plan.split)
            yield BlankWork(path, self._asks(task, blank_prompts(self.inputs, task)))

    def _asks(self, task: str, prompts: Iterable[Prompt]) -> list[Ask]:
        allowed, key = self.inputs.allowed(task), _weighed(self.stage, self.dtype)
        hashes = {candidates: candidates_sha256(candidates) for candidates in set(allowed.values())}
        found = []
        for prompt in prompts:
            candidates = allowed[prompt.sample_id]
            found.append(Ask(prompt, candidates, hashes[candidates], key(prompt, hashes[candidates])))
        return found


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


def blank_prompts(inputs: RunInputs, task: str) -> list[Prompt]:
    """Return the samples with a picture in the first wording, on a blank one; what is the same only once."""
    record, template, allowed = inputs.task(task), inputs.template(task), inputs.allowed(task)
    seen = [sample for sample in inputs.samples(task) if sample.picture is not None]
    prompts = build_prompts(record, template, template.variants[0], seen)
    distinct = {(prompt.text, allowed[prompt.sample_id]): prompt for prompt in reversed(prompts)}
    return [replace(prompt, picture=blank_picture()) for prompt in reversed(distinct.values())]
