"""What a cell's rankings say: whose right answer is ranked first, by sight and with a blank picture.

Needs no model: rankings stand in the predictions. An answer is right where the task's scorer says S = 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cvit_bench import plugins
from cvit_bench.data.candidates import Candidates, candidates_sha256
from cvit_bench.data.prompts import build_prompts
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.evaluate.ranking import is_ranked
from cvit_bench.metrics.knowledge import IN_WORDS
from cvit_bench.records.load import load_json
from cvit_bench.records.matrix import Array
from cvit_bench.records.plan import PlannedCell, blank_path
from cvit_bench.records.ranking import BlankRankings, Ranking, first_of
from cvit_bench.records.sample import Sample

FIRST = "ranked_first"
"""Whether the answer ranked first is right, whatever was said; of two ways of ranking the better one."""
_WAYS = (("ranked", "blank"), IN_WORDS)
Rankings = Mapping[str, Ranking | None]


@dataclass(frozen=True)
class Ranked:
    """Reads rankings; what all stages share is made once.

    Attributes:
        hashes: the hash of allowed answers. wordings: task -> sample id -> its first wording.
    """

    inputs: RunInputs
    hashes: dict[Candidates, str] = field(default_factory=dict)
    wordings: dict[str, dict[str, str]] = field(default_factory=dict)

    def fields(
        self, cell: PlannedCell, samples: Sequence[Sample], strict: Array, rankings: Rankings
    ) -> dict[str, Array]:
        """Return the fields that ranked K is made from (`metrics.knowledge`), each [num_samples].

        Nothing where the task is not ranked, or where a ranking is missing or of other allowed answers.
        """
        if not is_ranked(self.inputs, cell) or None in rankings.values():
            return {}
        allowed = self.inputs.allowed(cell.task)
        wrong = (strict == 0).astype(np.float64)
        uniform = wrong * np.array([1 / len(allowed[sample.id]) for sample in samples])
        found: dict[str, Array] = {"wrong": wrong, "uniform": uniform}
        for way, (ranked, blank) in enumerate(_WAYS[: self._num_ways(cell.task, samples)]):
            seen, guessed = self._first(cell.task, samples, rankings, way), self._blank(cell, samples, way)
            if seen is None or guessed is None:
                return {}
            without = np.array([sample.picture is None for sample in samples])
            found |= {ranked: wrong * seen, blank: np.where(without, uniform, wrong * guessed)}
            if way == 0 or (found[ranked] - found[blank]).sum() > (found["ranked"] - found["blank"]).sum():
                found[FIRST] = seen
        return found

    def _num_ways(self, task: str, samples: Sequence[Sample]) -> int:
        """Return how many spellings every allowed answer has."""
        allowed = self.inputs.allowed(task)
        return min(len(spellings) for sample in samples for spellings in allowed[sample.id])

    def _blank(self, cell: PlannedCell, samples: Sequence[Sample], way: int) -> Array | None:
        """Tell which samples' right answers come first with a blank picture; 0 without a picture."""
        path = blank_path(self.inputs.run_dir, cell.stage, cell.task, self.inputs.split)
        with_picture = [sample for sample in samples if sample.picture is not None]
        if not with_picture:
            return np.zeros(len(samples))
        try:
            items = load_json(path, BlankRankings).rankings
        except CvitBenchError:
            return None
        asked = {(item.prompt, item.ranking.candidates): item.ranking for item in items}
        found = {
            sample.id: asked.get((self._wording(cell.task, sample), self._sha256(cell.task, sample)))
            for sample in with_picture
        }
        first = None if None in found.values() else self._first(cell.task, with_picture, found, way)
        if first is None:
            return None
        by_id = dict(zip((sample.id for sample in with_picture), first.tolist(), strict=True))
        return np.array([by_id.get(sample.id, 0.0) for sample in samples])

    def _first(self, task: str, samples: Sequence[Sample], rankings: Rankings, way: int) -> Array | None:
        """Tell whether the answer ranked first is right, 0 or 1; None where other answers were ranked."""
        record, best = self.inputs.task(task), []
        for sample in samples:
            found, allowed = rankings[sample.id], self.inputs.allowed(task)[sample.id]
            if found is None or found.candidates != self._sha256(task, sample):
                return None
            values = found.plain if record.likelihood == "plain" else found.normalised
            best.append(_named(allowed, values, way))
        scores = plugins.load(plugins.SCORERS, record.scorer).score(
            record, list(zip(samples, best, strict=True))
        )
        return np.array([float(score.strict == 1.0) for score in scores])

    def _sha256(self, task: str, sample: Sample) -> str:
        candidates = self.inputs.allowed(task)[sample.id]
        if candidates not in self.hashes:
            self.hashes[candidates] = candidates_sha256(candidates)
        return self.hashes[candidates]

    def _wording(self, task: str, sample: Sample) -> str:
        if task not in self.wordings:
            record, template = self.inputs.task(task), self.inputs.template(task)
            prompts = build_prompts(record, template, template.variants[0], self.inputs.samples(task))
            self.wordings[task] = {prompt.sample_id: prompt.text for prompt in prompts}
        return self.wordings[task][sample.id]


def _named(candidates: Candidates, likelihoods: Sequence[float], way: int) -> str:
    """Return the answer that is ranked first, as it was asked for; nothing where two share the place.

    Answers are compared by their spellings number `way`: options by their letters, or by their words.
    """
    values, at = [], 0
    for spellings in candidates:
        values.append(likelihoods[at + way])
        at += len(spellings)
    place = first_of(values)
    return "" if place is None else candidates[place][0]
