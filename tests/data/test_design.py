"""Which samples see which wordings: balanced, random, decided by the seed."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvit_bench.data.design import check_deal, deal
from cvit_bench.errors import CvitBenchError

KNOWN = [[2, 3], [0, 1], [1, 3], [0, 2]]


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_every_sample_sees_as_many_and_every_wording_is_seen_as_often(num_samples, num_wordings, data):
    k = data.draw(st.integers(1, num_wordings))
    hands = deal(num_samples, num_wordings, k, "s")
    assert {len(hand) for hand in hands} == {k}
    seen = Counter(one for hand in hands for one in hand)
    counts = [seen[at] for at in range(num_wordings)]
    assert sum(counts) == num_samples * k
    assert max(counts) - min(counts) <= 1


def test_all_wordings_is_the_complete_design():
    assert deal(5, 3, 3, "s") == [frozenset({0, 1, 2})] * 5


def test_the_seed_decides():
    assert deal(30, 8, 3, "a") == deal(30, 8, 3, "a") != deal(30, 8, 3, "b")


def test_known_deal():
    """The deal is stored by its seed alone, so it must never change."""
    assert [sorted(hand) for hand in deal(4, 4, 2, "0/mini_geo/paraphrase")] == KNOWN


def test_each_pair_is_as_likely_as_any_other():
    """Over seeds the first sample sees each of the 10 pairs of 5 wordings in a tenth of the deals."""
    seen = Counter(tuple(sorted(deal(7, 5, 2, str(seed))[0])) for seed in range(4000))
    assert set(seen) == set(combinations(range(5), 2))
    assert all(abs(count - 400) < 5 * 19 for count in seen.values())  # 5 standard deviations


def test_too_few_samples_for_the_wordings():
    check_deal("t", 4, 8, 2)
    with pytest.raises(CvitBenchError, match="task 't' has 3 samples, too few to see 8 wordings 2 at a time"):
        check_deal("t", 3, 8, 2)
