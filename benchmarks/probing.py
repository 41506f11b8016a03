"""Further questions to a checkpoint: with a blank picture, and after tuning on a few samples of a task."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from cvit_bench import plugins
from cvit_bench.data.samples import load_samples
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.models.adapter_files import save_adapter
from cvit_bench.models.family import Checkpoint, Placement, family_of
from cvit_bench.models.folders import adapter_sha256, base_folder, public_name
from cvit_bench.models.loading import load_base
from cvit_bench.models.replay import ReplayModel
from cvit_bench.progress import metered
from cvit_bench.records.files import sha256_json
from cvit_bench.records.sample import Picture, Prompt, Sample
from cvit_bench.records.task import Task
from cvit_bench.train.adapted import StageStart, attach
from cvit_bench.train.examples import Example, draw_batches, load_examples
from cvit_bench.train.loop import Course, train_stage
from cvit_bench.train.settings import TrainSettings
from cvit_bench.train.stage_files import stage_folder

GREY, SIDE = 128, 64
FEW_STEPS = 30
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


@lru_cache(maxsize=1)
def blank_picture() -> Picture:
    """Return a mid-grey picture."""
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (GREY, GREY, GREY)).save(data, "PNG")
    return Picture("blank", data.getvalue())


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


def first_of_each(examples: Sequence[Example], num: int) -> list[Example]:
    """Return the first `num` examples of every class, in file order; the class is the first answer."""
    seen: Counter[str] = Counter()
    kept = []
    for example in examples:
        seen[example.answers[0]] += 1
        if seen[example.answers[0]] <= num:
            kept.append(example)
    return kept


def few_shot_scores(
    inputs: RunInputs, placement: Placement, folder: Path, name: str, shots: Sequence[int]
) -> Mapping[int, float]:
    """Return S of a task at the last checkpoint (0) and after tuning it on so many samples a class."""
    last = inputs.run_dir / inputs.manifest.stages[-1].checkpoint
    made = {0: last, **{num: _tuned(inputs, placement, folder, (name, num)) for num in shots}}
    model = ReplayModel(base_folder(inputs.manifest.base, inputs.run_dir), placement)
    prompts = inputs.prompts(name, inputs.template(name).variants[0].id)
    found = {}
    for num, checkpoint in made.items():
        model.use(Checkpoint(f"shots-{num}", checkpoint, "adapter"))
        found[num] = mean_strict(inputs.task(name), inputs.samples(name), answers(model, prompts))
    return found


def _tuned(inputs: RunInputs, placement: Placement, folder: Path, what: tuple[str, int]) -> Path:
    """Go on from the last checkpoint for 30 steps on a few samples; return the adapter's folder."""
    name, num = what
    settings = TrainSettings.model_validate(inputs.manifest.config)
    base, parent = inputs.manifest.base, inputs.run_dir / inputs.manifest.stages[-1].checkpoint
    origin = sha256_json([adapter_sha256(parent), base.sha256, settings.sha256, name, num, FEW_STEPS])
    target = folder / f"{name}-{num}-{origin[:12]}"
    if target.exists():
        return target
    read = load_examples(inputs.library, [name], settings.templates, settings.seed, inputs.data_root)
    examples = first_of_each(read, num)
    budget = settings.training.model_copy(update={"steps": FEW_STEPS})
    draws = draw_batches(examples, budget.batch_size, FEW_STEPS, f"{settings.seed}/{name}/{num}")
    source = base_folder(base, inputs.run_dir)
    loaded = load_base(source, placement)
    start = StageStart((f"{name}-{num}",), settings.seed, str(base.sha256))
    adapted = attach(loaded, family_of(source).projector, settings, parent, start)
    course = Course(draws, FEW_STEPS, FEW_STEPS)
    with metered(f"{inputs.run_dir.name} {name}, {num} a class", FEW_STEPS * budget.batch_size) as meter:
        train_stage(adapted, loaded, course, budget, meter)
    with stage_folder(target) as temporary:
        save_adapter(adapted, temporary, public_name(base), str(base.sha256))
    return target
