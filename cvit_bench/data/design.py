"""A balanced incomplete design: each sample sees k of K wordings, dealt like cards.

The wordings are shuffled into a deck, every sample in turn (in random order) is dealt k different ones, and
a used-up deck is shuffled anew. So every sample sees k wordings, every wording is seen N·k/K times (±1), and
each set of k is as likely as any other.
"""

import random

from cvit_bench.errors import CvitBenchError


def deal(num_samples: int, num_wordings: int, per_sample: int, seed: str) -> list[frozenset[int]]:
    """Return the wordings (0 .. num_wordings − 1) that each sample sees; the seed alone decides."""
    draw = random.Random(seed)
    order = draw.sample(range(num_samples), num_samples)
    hands: list[frozenset[int]] = [frozenset()] * num_samples
    deck: list[int] = []
    for sample in order:
        hand: set[int] = set()
        while len(hand) < per_sample:
            if hand.issuperset(deck):
                deck += draw.sample(range(num_wordings), num_wordings)
            card = next(one for one in deck if one not in hand)
            deck.remove(card)
            hand.add(card)
        hands[sample] = frozenset(hand)
    return hands


def check_deal(task: str, num_samples: int, num_wordings: int, per_sample: int) -> None:
    """Raise when there are so few samples that one wording would not be asked at all."""
    if num_samples * per_sample < num_wordings:
        raise CvitBenchError(
            f"--per-sample: task {task!r} has {num_samples} samples, too few to see {num_wordings} wordings "
            f"{per_sample} at a time; leave --per-sample out to ask every sample in all of them"
        )
