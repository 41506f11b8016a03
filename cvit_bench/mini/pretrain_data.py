"""What the base is asked in pre-training: every form on every domain, but the suite's own combinations.

Held out: letters and short answers on shapes, sentences on emoji, names of garments, numerals on digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_store import INKS, SHAPES, THINGS, Facts
from cvit_bench.mini.pretrain_words import NUMBER_WORDS, QUESTIONS, REQUESTS, WORN
from cvit_bench.mini.recipes.garments import CLASSES
from cvit_bench.mini.recipes.objects import COLOURS

if TYPE_CHECKING:
    import numpy as np

ASKED: dict[str, list[tuple[str, str, float]]] = {
    "shapes": [
        ("class_name", "shape", 3.0),
        ("class_name", "object", 1.0),
        ("sentence", "object", 2.0),
        ("sentence", "shape", 1.5),
        ("sentence", "colour", 3.0),
        ("number", "count", 1.0),
    ],
    "emoji": [
        ("option_letter", "object", 2.0),
        ("option_letter", "background", 2.5),
        ("option_letter", "kind", 0.5),
        ("class_name", "object", 3.0),
        ("short_answer", "object", 2.0),
        ("short_answer", "background", 2.5),
        ("short_answer", "kind", 0.7),
        ("short_answer", "presence", 2.0),
        ("number", "count", 0.5),
    ],
    "garments": [
        ("option_letter", "object", 2.0),
        ("option_letter", "wear", 0.7),
        ("sentence", "object", 2.5),
        ("sentence", "wear", 0.5),
        ("short_answer", "presence", 1.5),
        ("short_answer", "wear", 1.0),
    ],
    "printed": [
        ("number", "value", 4.0),
        ("class_name", "value", 1.0),
        ("short_answer", "value", 1.0),
        ("sentence", "value", 1.0),
        ("sentence", "colour", 0.5),
        ("option_letter", "value", 0.5),
    ],
    "digits": [
        ("option_letter", "value", 1.5),
        ("sentence", "value", 1.5),
        ("class_name", "value", 1.5),
        ("short_answer", "value", 1.5),
        ("short_answer", "presence", 1.0),
        ("short_answer", "parity", 0.5),
    ],
}
"""By domain: (form, topic, weight)."""

SETS: dict[str, list[str]] = {
    "shape": SHAPES,
    "colour": list(INKS),
    "background": list(COLOURS),
    "kind": ["food", "plant", "animal", "vehicle", "building", "object"],
    "wear": ["body", "legs", "feet", "hand"],
    "value": NUMBER_WORDS,
    "parity": ["even", "odd"],
    "emoji": [thing.name for thing in THINGS],
    "garments": CLASSES,
    "shapes": SHAPES,
    "digits": NUMBER_WORDS,
    "printed": NUMBER_WORDS,
}


def ask(facts: Facts, rng: np.random.Generator) -> tuple[str, str]:
    """Draw one question about a picture and give its answer."""
    offers = ASKED[facts.domain]
    if facts.count > 1 and rng.random() < 0.6:
        offers = [offer for offer in offers if offer[1] == "count"]
    weights = [weight for _, _, weight in offers]
    form, topic, _ = offers[int(rng.choice(len(offers), p=[weight / sum(weights) for weight in weights]))]
    return worded(form, topic, facts, rng)


def worded(form: str, topic: str, facts: Facts, rng: np.random.Generator) -> tuple[str, str]:
    """Word one question of this form and topic, and its answer."""
    answers = SETS.get(facts.domain if topic in ("object", "presence") else topic, [])
    word = true_word(topic, facts)
    other = facts.name if rng.random() < 0.5 else str(rng.choice(answers)) if answers else ""
    if topic == "value" and form == "number":
        word = str(NUMBER_WORDS.index(facts.name))
    if topic == "presence":
        word = "yes" if other == facts.name else "no"
    name = facts.name if facts.domain == "shapes" and rng.random() < 0.5 else facts.kind or "item"
    bank = QUESTIONS[topic]
    question = bank[int(rng.integers(len(bank)))].format(name=name, other=other, colour=facts.colour)
    lettered = form == "option_letter"
    if lettered or (form != "number" and len(answers) > 1 and topic != "presence" and rng.random() < 0.12):
        options = draw_options(word, answers, rng)
        question = f"{question}{list_options(options, rng)}"
        word = "ABCD"[options.index(word)] if lettered else word
    answer = sentence(topic, facts, rng) if form == "sentence" else word
    return with_request(question, form, rng), answer


def true_word(topic: str, facts: Facts) -> str:
    """Return the one-word answer."""
    words = {
        "colour": facts.colour,
        "background": facts.background,
        "kind": facts.kind,
        "count": str(facts.count),
    }
    if topic == "wear":
        return WORN[facts.name]
    if topic == "parity":
        return ("even", "odd")[NUMBER_WORDS.index(facts.name) % 2]
    return words.get(topic, facts.name)


def draw_options(word: str, answers: list[str], rng: np.random.Generator) -> list[str]:
    """Draw two to four options around the right one: half the time a fixed group in a fixed order."""
    if rng.random() < 0.5:
        start = answers.index(word) // 4 * 4
        group = answers[start : start + 4]
        return group if len(group) > 1 else answers[-4:]
    others = [answer for answer in answers if answer != word]
    count = int(rng.integers(min(2, len(others)), min(3, len(others)) + 1))
    options = [word, *[others[place] for place in rng.permutation(len(others))[:count]]]
    return [options[place] for place in rng.permutation(len(options))]


def list_options(options: list[str], rng: np.random.Generator) -> str:
    """Write options with letters, on one line or one a line."""
    style = ("\n{}. {}", " {}. {}", " {}) {}", "{}. {} ")[int(rng.integers(4))]
    listed = "".join(style.format(letter, option) for letter, option in zip("ABCD", options, strict=False))
    return f"\n{listed}" if style.endswith(" ") else listed


def with_request(question: str, form: str, rng: np.random.Generator) -> str:
    """Put the request for a form before or after the question."""
    bank = REQUESTS[form]
    request = bank[int(rng.integers(len(bank)))]
    gap = "\n" if rng.random() < 0.6 else " "
    return f"{question}{gap}{request}" if rng.random() < 0.7 else f"{request}{gap}{question}"


def sentence(topic: str, facts: Facts, rng: np.random.Generator) -> str:
    """Answer in a sentence, worded otherwise than the suite's captions."""
    name, turn = facts.name, int(rng.integers(2))
    if facts.domain == "shapes":
        if facts.count > 1:
            return f"Every shape is a {facts.colour} {name}."
        if topic == "colour":
            return f"The {name} is {facts.colour}."
        return f"The shape is a {name}." if topic == "shape" else f"It is a {facts.colour} {name}."
    if facts.domain == "garments":
        where = f"It is worn on the {WORN[name]}."
        return where if topic == "wear" else (f"This is a {name}.", f"The photo shows a {name}.")[turn]
    if facts.domain == "printed":
        return f"The number is {facts.colour}." if topic == "colour" else f"The printed number is {name}."
    return (f"The number is {name}.", f"This is a handwritten {name}.")[turn]
