"""What a stage learns from: worded samples with answers, drawn batch by batch from one generator."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.data.library import Library
from cvit_bench.data.prompts import build_prompts, training_variants
from cvit_bench.data.samples import load_samples
from cvit_bench.records.files import sha256_json
from cvit_bench.records.sample import Prompt
from cvit_bench.records.suite import TemplateSetting

_MEGA = 50
"""Batches that are sorted together."""


@dataclass(frozen=True)
class Example:
    """A prompt and the answers that are right."""

    prompt: Prompt
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Draw:
    """One batch: prompts and, for each, the answer to be learned."""

    prompts: list[Prompt]
    answers: list[str]


def load_examples(  # noqa: PLR0913
    library: Library,
    tasks: Sequence[str],
    templates: TemplateSetting,
    seed: int,
    root: Path | None = None,
    limit: int | None = None,
    *,
    holdout: float = 0.0,
) -> list[Example]:
    """Read and word the train samples of some tasks but for the share held out; `limit` is per task.

    Prompts of the data are taken as they stand, however many wordings there are in them.
    """
    examples: list[Example] = []
    for name in tasks:
        task = library.task(name)
        template = library.template(task.template)
        samples = load_samples(task, "train", root, limit, holdout)
        setting = templates if task.prompts == "template" else "single"
        variants = training_variants(template, setting, len(samples), seed)
        for sample, variant in zip(samples, variants, strict=True):
            examples.append(Example(build_prompts(task, template, variant, [sample])[0], sample.answers))
    return examples


def first_of_each(examples: Sequence[Example], num: int) -> list[Example]:
    """Return the first `num` examples of every class, in file order; the class is the first answer."""
    seen: Counter[str] = Counter()
    kept = []
    for example in examples:
        seen[example.answers[0]] += 1
        if seen[example.answers[0]] <= num:
            kept.append(example)
    return kept


def examples_sha256(examples: Sequence[Example]) -> str:
    """Hash what is learned from: wordings, answers and image bytes, in order."""
    rows = [
        (
            example.prompt.text,
            example.answers,
            example.prompt.picture.sha256 if example.prompt.picture else "",
        )
        for example in examples
    ]
    return sha256_json(rows)


def draw_batches(
    examples: Sequence[Example], size: int, num_batches: int, seed: str, by_length: bool = False
) -> Iterator[Draw]:
    """Yield batches over shuffled epochs; an example with several answers gives one of them each time.

    `by_length` puts samples of similar length together: each run of 50 shuffled batches is sorted, cut anew
    and shuffled.
    """
    generator = random.Random(seed)
    order = _endless(len(examples), generator)
    if by_length:
        lengths = [len(example.prompt.text) + max(map(len, example.answers)) for example in examples]
        order = _grouped(order, lengths, size, generator)
    for _ in range(num_batches):
        picked = [examples[next(order)] for _ in range(size)]
        yield Draw(
            [example.prompt for example in picked],
            [generator.choice(example.answers) for example in picked],
        )


def _grouped(
    order: Iterator[int], lengths: Sequence[int], size: int, generator: random.Random
) -> Iterator[int]:
    while True:
        drawn = sorted((next(order) for _ in range(_MEGA * size)), key=lambda at: lengths[at])
        batches = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        generator.shuffle(batches)
        for batch in batches:
            yield from batch


def _endless(count: int, generator: random.Random) -> Iterator[int]:
    while True:
        yield from generator.sample(range(count), count)
