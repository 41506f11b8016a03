"""Predictions per second of every scorer, on one core, against a plain one where there is one.

    taskset -c 0 python benchmarks/scoring.py [--answers 20000] [--samples 5000]

Samples and answers are synthetic: of every ten answers five are right, one is right in another spelling, two
say the right thing in a sentence, one is wrong and one is long and wrong. All samples are different; they are
asked again and again, as by a run's cells. Counted is CPU time, the median of three. A plain scorer is what
the published script does for its number alone: no K, no F, nothing kept from one cell to the next.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from time import process_time

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tabulate import tabulate

from benchmarks.scoring_plain import PLAIN
from cvit_bench import plugins
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task

FORMS = {
    "exact": AnswerForm.CLASS_NAME, "option_letter": AnswerForm.OPTION_LETTER, "yes_no": AnswerForm.YES_NO,
    "number": AnswerForm.NUMBER, "box_iou": AnswerForm.BOX, "cider": AnswerForm.SENTENCE,
    "cider_cosine": AnswerForm.SENTENCE, "cider_d": AnswerForm.SENTENCE,
    "scienceqa": AnswerForm.OPTION_LETTER, "grounding_coin": AnswerForm.BOX,
    "textcaps": AnswerForm.SENTENCE, "flickr30k": AnswerForm.SENTENCE,
}  # fmt: skip
WORDS = [f"{a}{b}" for a in ("red", "old", "tall", "wet", "thin") for b in ("cat", "house", "tree", "boat")]
REPEATS = 3

Items = list[tuple[Sample, str]]


def main() -> None:
    """Time every scorer and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--samples", type=int, default=5_000)
    options = parser.parse_args()
    rows = []
    for kind in (plugins.SCORERS, plugins.RELEASED):
        for name in plugins.names(kind):
            form = FORMS.get(name, AnswerForm.SHORT_ANSWER)
            cells = made(form, options.answers, options.samples)
            score = plugins.load(kind, name).score
            ours = per_second(lambda cell, score=score, form=form: score(task(form), cell), cells)
            plain = per_second(PLAIN[name], cells) if name in PLAIN else None
            ratio = f"{ours / plain:.2f}" if plain else "–"
            rows.append((name, kind.name, f"{ours:,.0f}", f"{plain:,.0f}" if plain else "–", ratio))
    headers = ("scorer", "kind", "predictions/s", "plain", "ratio")
    aligned = ("left", "left", "right", "right", "right")
    print(tabulate(rows, headers=headers, tablefmt="github", colalign=aligned, disable_numparse=True))


def per_second(score: Callable[[Items], object], cells: Sequence[Items]) -> float:
    """Return how many predictions a scorer judges in a second of CPU time, the median of some rounds."""
    rates = []
    for _ in range(REPEATS):
        began = process_time()
        for cell in cells:
            score(cell)
        rates.append(sum(map(len, cells)) / (process_time() - began))
    return statistics.median(rates)


def task(form: AnswerForm) -> Task:
    """Return a task that asks for a form."""
    return Task(
        name="t", title="T", description="d", answer_form=form, scorer="s", template="t", reader="r",
        splits={"test": {"file": "f"}}, licence="CC0-1.0", citation="none",
        classes=tuple(WORDS) if form is AnswerForm.CLASS_NAME else (),
    )  # fmt: skip


def made(form: AnswerForm, num: int, num_samples: int) -> list[Items]:
    """Make `num` answers in cells of all samples."""
    generator = random.Random(0)
    samples = [sample(form, at, generator) for at in range(num_samples)]
    asked = islice(cycle(samples), num)
    items = [(one, answer(form, one.answers[0], generator)) for one in asked]
    return [items[at : at + num_samples] for at in range(0, num, num_samples)]


def sample(form: AnswerForm, at: int, generator: random.Random) -> Sample:
    """Make a sample with its references."""
    choices = ("one", "two", "three", "four") if form is AnswerForm.OPTION_LETTER else ()
    return Sample(str(at), f"What is on picture {at}?", tuple(_references(form, generator)), choices)


def _references(form: AnswerForm, generator: random.Random) -> list[str]:
    if form is AnswerForm.SENTENCE:
        return [" ".join(generator.choices(WORDS, k=10)).capitalize() + "." for _ in range(5)]
    if form is AnswerForm.SHORT_ANSWER:
        common, rare = generator.sample(WORDS, 2)
        return [f"{common} {generator.randrange(100)}"] * 6 + [rare] * 3 + [f"the {rare}"]
    if form is AnswerForm.BOX:
        left, top = (round(generator.uniform(0, 0.5), 2) for _ in range(2))
        return [f"[{left}, {top}, {round(left + 0.4, 2)}, {round(top + 0.4, 2)}]"]
    if form is AnswerForm.NUMBER:
        return [str(generator.randrange(1000))]
    return [generator.choice({"option_letter": "ABCD", "yes_no": ("yes", "no")}.get(form.value, WORDS))]


def answer(form: AnswerForm, right: str, generator: random.Random) -> str:
    """Give one of the ten kinds of answers."""
    draw = generator.randrange(10)
    wrong = _references(form, generator)[0]
    if draw < 5:
        return right
    if draw == 5:
        return f" {right.upper()}."
    if draw < 8:
        return f"I think that the answer is {right}"
    return wrong if draw == 8 else f"It may be {wrong}, but it is hard to see in this picture of a {wrong}."


if __name__ == "__main__":
    main()
