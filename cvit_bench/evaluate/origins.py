"""Whether answers are those of the checkpoint, pictures and settings that the plan names: their keys tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cvit_bench.data.instruction_embeddings import MODES, told_sha256
from cvit_bench.errors import IncompleteRunError
from cvit_bench.evaluate.cells import answer_settings, prediction_key
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.models.family import Placement
from cvit_bench.records.plan import EvaluationPlan, PlannedCell
from cvit_bench.records.prediction import Prediction


@dataclass(frozen=True)
class Origins:
    """What a plan says of the origin of answers; imported ones, of which it says nothing, pass."""

    inputs: RunInputs
    plan: EvaluationPlan
    _told: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def _weights(self) -> dict[str, str]:
        sequence = {stage.name: stage.weights for stage in self.plan.stages}
        return sequence | {stage.name: stage.weights for stage in self.plan.few_shot}

    def check(self, cell: PlannedCell, path: Path, found: Mapping[str, Prediction]) -> None:
        """Raise IncompleteRunError, naming the first sample, where a key is not the one of this cell."""
        if "runner" not in self.plan.generation:
            return
        for told in self._tellings(cell.stage):
            stranger = self._stranger(cell, told, found)
            if stranger is None:
                self._told[cell.stage] = told
                return
        raise IncompleteRunError(
            f"{path}: {stranger}: key: answered by other weights, picture or settings than plan.json names; "
            f"`cvit-bench evaluate --run-dir {self.inputs.run_dir}` completes the run"
        )

    def _tellings(self, stage: str) -> Iterator[str | None]:
        """Yield the ways in which the stage's router may be told the instruction; None: it has none."""
        if stage in self._told:
            yield self._told[stage]
        else:
            yield from (None, *MODES)

    def _stranger(self, cell: PlannedCell, told: str | None, found: Mapping[str, Prediction]) -> str | None:
        """Return the first sample whose answer has another key, None where there is none."""
        settings, weights = self._settings(cell, told), self._weights.get(cell.stage, "")
        for prompt in self.inputs.prompts(cell.task, cell.variant):
            answer = found.get(prompt.sample_id)
            if answer is not None and answer.key != prediction_key(weights, prompt, settings):
                return prompt.sample_id
        return None

    def _settings(self, cell: PlannedCell, told: str | None) -> dict[str, object]:
        generation = self.plan.generation
        settings = answer_settings(generation["runner"], _arithmetic(generation.get("placement")))
        if told is None:
            return settings
        template, wording = self.inputs.template(cell.task), self.inputs.variant(cell.task, cell.variant)
        return {**settings, "instruction": told_sha256(template, wording, told)}


def _arithmetic(placement: object) -> str:
    """Return in what a model computed."""
    known = placement if isinstance(placement, dict) else {}
    return Placement(dtype=str(known.get("dtype")), one_by_one=bool(known.get("one_by_one"))).arithmetic
