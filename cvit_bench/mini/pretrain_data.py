"""What the base is asked in pre-training: every form on every domain, but the suite's own combinations.

Held out: letters on maps, short answers on words, scenes, shapes and spoilt pictures, sentences on emoji and
on signs, names of garments and of places, numerals on handwriting, boxes on scenes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_drawing import WORDS
from cvit_bench.mini.pretrain_sentences import sentence
from cvit_bench.mini.pretrain_store import INKS, SHAPES, THINGS, Facts
from cvit_bench.mini.pretrain_words import COUNTS, NUMBER_WORDS, QUESTIONS, REQUESTS, WORN
from cvit_bench.mini.recipes import ground
from cvit_bench.mini.recipes.blur import UNANSWERABLE
from cvit_bench.mini.recipes.garments import CLASSES
from cvit_bench.mini.recipes.maps import COUNTRIES
from cvit_bench.mini.recipes.objects import COLOURS, PLACES

if TYPE_CHECKING:
    import numpy as np

ASKED: dict[str, list[tuple[str, str, float]]] = {
    "shapes": [
        ("class_name", "shape", 2.0),
        ("class_name", "colour", 1.0),
        ("option_letter", "colour", 2.0),
        ("option_letter", "shape", 1.0),
        ("sentence", "object", 1.0),
        ("sentence", "shape", 1.0),
        ("sentence", "colour", 2.0),
        ("yes_no", "presence", 2.0),
        ("number", "count", 1.0),
        ("box", "box", 2.0),
    ],
    "emoji": [
        ("option_letter", "object", 2.0),
        ("option_letter", "background", 2.0),
        ("class_name", "object", 2.0),
        ("class_name", "background", 1.0),
        ("short_answer", "object", 2.0),
        ("short_answer", "background", 2.0),
        ("short_answer", "kind", 0.7),
        ("short_answer", "copies", 0.7),
        ("yes_no", "presence", 2.0),
        ("number", "count", 0.7),
        ("box", "box", 2.0),
    ],
    "scene": [
        ("class_name", "beside", 3.0),
        ("option_letter", "beside", 2.0),
        ("sentence", "beside", 2.0),
        ("yes_no", "order", 1.0),
        ("yes_no", "presence", 2.0),
        ("class_name", "background", 1.0),
        ("sentence", "background", 1.0),
        ("number", "copies", 1.5),
        ("sentence", "copies", 1.0),
    ],
    "garments": [
        ("option_letter", "object", 2.0),
        ("option_letter", "wear", 0.5),
        ("sentence", "object", 2.5),
        ("sentence", "wear", 0.5),
        ("yes_no", "presence", 1.5),
        ("short_answer", "wear", 1.0),
    ],
    "digits": [
        ("option_letter", "value", 1.5),
        ("sentence", "value", 2.0),
        ("class_name", "value", 1.5),
        ("short_answer", "value", 1.5),
        ("yes_no", "presence", 1.0),
        ("short_answer", "parity", 0.5),
    ],
    "printed": [
        ("number", "value", 4.0),
        ("class_name", "value", 1.0),
        ("short_answer", "value", 1.0),
        ("sentence", "value", 1.0),
        ("sentence", "colour", 0.5),
        ("option_letter", "value", 0.5),
    ],
    "words": [
        ("class_name", "text", 3.0),
        ("sentence", "text", 3.0),
        ("option_letter", "text", 1.5),
        ("yes_no", "presence", 1.0),
        ("short_answer", "background", 1.0),
    ],
    "signs": [
        ("short_answer", "text", 2.0),
        ("class_name", "text", 1.5),
        ("short_answer", "object", 1.5),
        ("class_name", "object", 1.0),
        ("option_letter", "object", 1.0),
        ("yes_no", "presence", 1.0),
        ("short_answer", "background", 0.5),
    ],
    "maps": [
        ("class_name", "country", 2.0),
        ("short_answer", "country", 1.5),
        ("sentence", "country", 1.0),
        ("class_name", "colour", 1.0),
        ("short_answer", "colour", 1.0),
        ("sentence", "colour", 1.0),
        ("yes_no", "presence", 1.0),
    ],
    "blurred": [
        ("class_name", "object", 3.0),
        ("option_letter", "object", 1.0),
        ("sentence", "object", 2.0),
    ],
    "places": [
        ("short_answer", "place", 2.0),
        ("sentence", "place", 1.5),
        ("option_letter", "place", 1.0),
        ("short_answer", "background", 1.0),
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
    "text": WORDS,
    "country": COUNTRIES,
    "place": list(PLACES),
    "copies": COUNTS,
    "beside": [thing.name for thing in THINGS],
    "emoji": [thing.name for thing in THINGS],
    "scene": [thing.name for thing in THINGS],
    "signs": [thing.name for thing in THINGS],
    "blurred": [*[thing.name for thing in THINGS], UNANSWERABLE],
    "garments": CLASSES,
    "shapes": SHAPES,
    "digits": NUMBER_WORDS,
    "printed": NUMBER_WORDS,
    "words": WORDS,
    "maps": COUNTRIES,
}
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


def offered(facts: Facts) -> list[tuple[str, str, float]]:
    """Return what may be asked about a picture: (form, topic, weight)."""
    fits = {
        "beside": facts.ordered,
        "order": facts.ordered,
        "box": facts.box is not None and facts.count == 1,
        "copies": facts.count > 1 or (bool(facts.others) and not facts.ordered),
    }
    offers = [offer for offer in ASKED[facts.domain] if fits.get(offer[1], True)]
    if facts.domain in ("digits", "printed") and len(facts.name) > 1:
        return [offer for offer in offers if offer[1] != "presence" and offer[0] != "option_letter"]
    return offers


def ask(facts: Facts, rng: np.random.Generator) -> tuple[str, str]:
    """Draw one question about a picture and give its answer."""
    offers = offered(facts)
    if facts.count > 1 and rng.random() < 0.5:
        offers = [offer for offer in offers if offer[1] in ("count", "copies")] or offers
    weights = [weight for _, _, weight in offers]
    form, topic, _ = offers[int(rng.choice(len(offers), p=[weight / sum(weights) for weight in weights]))]
    return worded(form, topic, facts, rng)


def worded(form: str, topic: str, facts: Facts, rng: np.random.Generator) -> tuple[str, str]:
    """Word one question of this form and topic, and its answer."""
    answers = SETS.get(facts.domain if topic in ("object", "presence") else topic, [])
    names, word = asked_about(topic, facts, answers, rng)
    if form == "number":
        word = facts.name if topic == "value" else str(facts.count)
    bank = QUESTIONS[topic]
    question = bank[int(rng.integers(len(bank)))].format(**names)
    listable = word in answers and len(answers) > 1 and topic not in ("presence", "order")
    lettered = form == "option_letter"
    if lettered or (form in ("class_name", "short_answer") and listable and rng.random() < 0.12):
        options = draw_options(word, answers, rng)
        question = f"{question}{list_options(options, rng)}"
        word = "ABCD"[options.index(word)] if lettered else word
    answer = sentence(topic, names, word, facts, rng) if form == "sentence" else word
    return with_request(question, form, rng), answer


def asked_about(
    topic: str, facts: Facts, answers: list[str], rng: np.random.Generator
) -> tuple[dict[str, str], str]:
    """Return the names that the question uses, and the one-word answer."""
    plain = facts.domain in ("shapes", "scene") or topic in ("box", "copies")
    name = facts.name if plain or rng.random() < 0.3 else facts.kind or "item"
    names = {"name": name, "other": "", "colour": facts.colour, "side": ""}
    if topic in ("beside", "order"):
        return _sides(topic, facts, names, rng)
    if topic == "presence":
        held = {facts.name, facts.text, *facts.others}
        wrong = str(rng.choice([answer for answer in answers if answer not in held]))
        right = facts.text or facts.name
        if facts.domain in ("digits", "printed"):
            right = NUMBER_WORDS[int(facts.name)]
            wrong = str(rng.choice([answer for answer in answers if answer != right]))
        if facts.domain == "signs":
            right = facts.name
        truth = bool(rng.random() < 0.5)
        if facts.domain == "shapes" and rng.random() < 0.6:
            return _coloured(facts, names, truth, rng)
        return {**names, "other": right if truth else wrong}, "yes" if truth else "no"
    return names, true_word(topic, facts)


def _coloured(
    facts: Facts, names: dict[str, str], truth: bool, rng: np.random.Generator
) -> tuple[dict[str, str], str]:
    """Ask for a shape by its colour, or by colour and shape."""
    colour = facts.colour if truth else str(rng.choice([ink for ink in INKS if ink != facts.colour]))
    shape = facts.name if rng.random() < 0.5 else "shape"
    return {**names, "other": f"{colour} {shape}"}, "yes" if truth else "no"


def _sides(
    topic: str, facts: Facts, names: dict[str, str], rng: np.random.Generator
) -> tuple[dict[str, str], str]:
    """Ask what stands beside a thing, or whether one thing stands on a side of the other."""
    side, one, two = ("left of" if facts.across else "above"), facts.name, facts.others[0]
    if rng.random() < 0.5:
        side, one, two = OPPOSITE[side], two, one
    if topic == "beside":
        return {**names, "other": two, "side": side}, one
    truth = bool(rng.random() < 0.5)
    return {
        **names,
        "name": one,
        "other": two,
        "side": side if truth else OPPOSITE[side],
    }, "yes" if truth else "no"


def true_word(topic: str, facts: Facts) -> str:
    """Return the one-word answer, or the box."""
    if topic == "wear":
        return WORN[facts.name]
    if topic == "parity":
        return ("even", "odd")[int(facts.name) % 2]
    if topic == "value":
        return " ".join(NUMBER_WORDS[int(digit)] for digit in facts.name)
    if topic == "copies":
        return COUNTS[facts.count - 1]
    if topic == "box":
        return ground.written(facts.box or ())
    words = {
        "colour": facts.colour,
        "background": facts.background,
        "kind": facts.kind,
        "count": str(facts.count),
        "text": facts.text,
    }
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
