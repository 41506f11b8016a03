"""Further questions to a checkpoint: with a blank picture, and what needs no model at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cvit_bench import plugins
from cvit_bench.data.images import blank_picture
from cvit_bench.data.samples import load_samples
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.models.replay import ReplayModel
from cvit_bench.records.sample import Prompt, Sample
from cvit_bench.records.task import Task

_BATCH = 64
_SHORTLIST, _FIRST = 30, 20


@dataclass(frozen=True)
class BlankScores:
    """S in percent with a blank picture, and of two answers that need no model.

    Attributes:
        strict: what the model scores.
        constant: the best single answer for every question: the commonest one, or the best caption of the
            train split.
        by_question: the commonest train answer to the same question text (for captions: as `constant`).
    """

    strict: float
    constant: float
    by_question: float


def blanked(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return the same prompts on a blank picture."""
    return [replace(prompt, picture=blank_picture()) for prompt in prompts]


def mean_strict(task: Task, samples: Sequence[Sample], texts: Sequence[str]) -> float:
    """Return S of some answers in percent (captions: CIDEr × 100)."""
    scorer = plugins.load(plugins.SCORERS, task.scorer)
    scores = scorer.score(task, list(zip(samples, texts, strict=True)))
    return 100 * float(np.mean([score.strict for score in scores]))


def answers(model: ReplayModel, prompts: Sequence[Prompt]) -> list[str]:
    """Answer prompts in batches of similar length, in the order given."""
    places = sorted(range(len(prompts)), key=lambda at: len(prompts[at].text))
    found = [""] * len(prompts)
    for start in range(0, len(places), _BATCH):
        batch = places[start : start + _BATCH]
        for at, text in zip(batch, model.generate([prompts[at] for at in batch]), strict=True):
            found[at] = text
    return found


def blank_scores(inputs: RunInputs, model: ReplayModel, name: str) -> BlankScores:
    """Ask all test questions of a task on a blank picture."""
    task, samples = inputs.task(name), inputs.samples(name)
    prompts = blanked(inputs.prompts(name, inputs.template(name).variants[0].id))
    strict = mean_strict(task, samples, answers(model, prompts))
    train = load_samples(task, "train", inputs.data_root) if "train" in task.splits else samples
    if plugins.load(plugins.SCORERS, task.scorer).OPEN_ENDED:
        constant = best_caption(task, samples, train)
        return BlankScores(strict, constant, constant)
    constant = max(mean_strict(task, samples, [said] * len(samples)) for said in _commonest(samples, 3))
    return BlankScores(strict, constant, mean_strict(task, samples, question_answers(samples, train)))


def _commonest(samples: Sequence[Sample], num: int) -> list[str]:
    return [said for said, _ in Counter(sample.answers[0] for sample in samples).most_common(num)]


def question_answers(test: Sequence[Sample], train: Sequence[Sample]) -> list[str]:
    """Answer each test question with the commonest train answer to its text and options, else to all."""
    asked: dict[tuple[str, tuple[str, ...]], Counter[str]] = {}
    for sample in train:
        asked.setdefault((sample.question, sample.choices), Counter())[sample.answers[0]] += 1
    overall = Counter(sample.answers[0] for sample in train)
    return [asked.get((sample.question, sample.choices), overall).most_common(1)[0][0] for sample in test]


def best_caption(task: Task, test: Sequence[Sample], train: Sequence[Sample]) -> float:
    """Return S of the one train reference that serves best for every test picture.

    All of them are tried on 20 pictures spread over the split, the best 30 of these on the whole split.
    """
    captions = sorted({caption for sample in train for caption in sample.answers})
    some = test[:: max(1, len(test) // _FIRST)]
    captions.sort(key=lambda caption: -mean_strict(task, some, [caption] * len(some)))
    return max(mean_strict(task, test, [caption] * len(test)) for caption in captions[:_SHORTLIST])
