from hypothesis import given
from hypothesis import strategies as st

from cvit_bench.report.ranking import best, clearly_better, rank_ranges


def test_one_is_better_only_beyond_both_intervals(make):
    assert clearly_better(make.metric(90), make.metric(87))
    assert not clearly_better(make.metric(90), make.metric(88.5))
    assert not clearly_better(make.metric(87), make.metric(90))


def test_touching_intervals_overlap(make):
    assert not clearly_better(make.metric(90), make.metric(88))


def test_less_is_better_where_the_metric_says_so(make):
    assert clearly_better(make.metric(4, higher=False), make.metric(9, higher=False))
    assert not clearly_better(make.metric(9, higher=False), make.metric(4, higher=False))


def test_without_an_interval_nobody_is_ahead(make):
    assert not clearly_better(make.metric(90, half=None), make.metric(10))
    assert not clearly_better(make.metric(90), make.metric(10, half=None))
    assert not clearly_better(make.metric(90), make.metric(None))


def test_the_best_beats_every_rival(make):
    assert best([make.metric(50), make.metric(90), make.metric(None), None]) == 1


def test_a_tie_has_no_best(make):
    assert best([make.metric(90), make.metric(89), make.metric(10)]) is None


def test_a_wide_interval_far_below_still_ties(make):
    assert best([make.metric(90), make.metric(80), make.metric(70, half=25)]) is None


def test_a_lone_value_has_no_best(make):
    assert best([make.metric(90), make.metric(None)]) is None


def test_ranks_are_ranges_where_intervals_overlap(make):
    rivals = [make.metric(90), make.metric(88.5), make.metric(87), make.metric(50), make.metric(None), None]
    assert rank_ranges(rivals) == ["1–2", "1–3", "2–3", "4", "–", "–"]


def test_ranks_without_overlap_are_plain(make):
    assert rank_ranges([make.metric(10), make.metric(50), make.metric(30)]) == ["3", "1", "2"]


VALUES = st.integers(0, 20)


@given(st.lists(st.tuples(VALUES, st.none() | st.integers(0, 6)), min_size=1, max_size=12), st.booleans())
def test_ranks_count_who_is_clearly_ahead_and_behind(make, pairs, higher):
    metrics = [make.metric(value, half=half, higher=higher) for value, half in pairs]
    wanted = []
    for one in metrics:
        first = 1 + sum(clearly_better(other, one) for other in metrics)
        last = len(metrics) - sum(clearly_better(one, other) for other in metrics)
        wanted.append(str(first) if first == last else f"{first}–{last}")
    assert rank_ranges(metrics) == wanted
    ahead = [
        at for at, one in enumerate(metrics)
        if all(clearly_better(one, other) for other in metrics if other is not one)
    ]  # fmt: skip
    assert best(metrics) == (ahead[0] if ahead and len(metrics) > 1 else None)
