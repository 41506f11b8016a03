"""Answers in a sentence, worded otherwise than the suite's captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_words import WORN
from cvit_bench.mini.recipes.blur import UNANSWERABLE

if TYPE_CHECKING:
    import numpy as np

    from cvit_bench.mini.pretrain_store import Facts


def sentence(topic: str, names: dict[str, str], word: str, facts: Facts, rng: np.random.Generator) -> str:
    """Say the answer in a sentence."""
    if topic == "object":
        return _object(facts, int(rng.integers(2)))
    name = facts.name
    said = {
        "shape": f"The shape is a {name}.",
        "colour": f"The {facts.kind if facts.domain == 'maps' else _named(facts)} is {facts.colour}.",
        "background": f"The color behind is {facts.background}.",
        "beside": f"It is the {word} that stands {names['side']} the {names['other']}.",
        "copies": f"The {name} is shown {word} {'time' if facts.count == 1 else 'times'}.",
        "text": (f"The word is {facts.text}.", f"Here one reads {facts.text}.")[int(rng.integers(2))],
        "country": f"This is the outline of {name}.",
        "place": f"These things belong to the {name}.",
        "wear": f"It is worn on the {WORN.get(name, '')}.",
    }
    if topic == "value":
        return f"The printed number is {word}." if facts.domain == "printed" else f"The number is {name}."
    return said[topic]


def _named(facts: Facts) -> str:
    return "number" if facts.domain == "printed" else facts.name


def _object(facts: Facts, turn: int) -> str:
    if facts.name == UNANSWERABLE:
        return "Nothing can be seen, it is unanswerable."
    if facts.domain == "shapes":
        if facts.count > 1:
            return f"Every shape is a {facts.colour} {facts.name}."
        return f"It is a {facts.colour} {facts.name}."
    return (f"This is a {facts.name}.", f"The photo shows a {facts.name}.")[turn]
