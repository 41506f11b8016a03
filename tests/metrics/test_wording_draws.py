"""Intervals that count wordings as drawn, on synthetic tasks whose wordings differ by a planted amount."""

import numpy as np
import pytest
from scipy import stats

from cvit_bench.metrics.resampling import Items, resampled_means, wording_moves

SHARE, SPREAD = 0.6, 0.08


def planted(generator, spread=SPREAD, wordings=5, images=80, stages=1):
    """Return a task of two questions an image in each of V wordings; each wording shifts the share right."""
    samples = 2 * images
    difficulty = 0.1 * generator.standard_normal(images).repeat(2)
    shift = spread * generator.standard_normal(wordings)
    chance = np.clip(SHARE + difficulty[:, None] + shift, 0, 1)
    right = generator.random((stages, samples, wordings)) < chance
    image, wording = np.arange(images).repeat(2).repeat(wordings), np.tile(np.arange(wordings), samples)
    return Items({"strict": right.reshape(stages, -1).astype(float)}, image, wordings=wording)


def draws(items, seed=0, resamples=400, **how):
    return resampled_means({"t": items}, ["t"], resamples, seed, **how)["strict"][..., 0]


def held(spread, wordings, runs=250, **how):
    """Return in how many of the runs the interval holds the share right over all wordings there are."""
    generator = np.random.default_rng(1)
    found = (draws(planted(generator, spread, wordings), run, **how) for run in range(runs))
    ends = [np.percentile(one, [2.5, 97.5]) for one in found]
    return np.mean([low <= SHARE <= high for low, high in ends])


@pytest.mark.parametrize("wordings", [3, 5, 10])
def test_with_wordings_drawn_intervals_hold_the_truth_over_all_wordings(wordings):
    assert held(SPREAD, wordings, second="wordings") >= 0.92


def test_with_images_drawn_alone_they_are_about_these_wordings_only():
    assert held(SPREAD, 5) < 0.8


def test_where_wordings_do_not_matter_both_hold_it():
    assert held(0.0, 5) >= 0.92
    assert held(0.0, 5, second="wordings") >= 0.92


def test_the_moves_of_a_mean_follow_students_t():
    means = np.array([0.2, 0.5, 0.6, 0.9])
    moved = wording_moves(means[None], np.arange(4), 40_000, np.random.default_rng(2))[:, 0]
    error = means.std(ddof=1) / 2
    for level in (0.025, 0.1, 0.5, 0.9, 0.975):
        expected = error * stats.t.ppf(level, 3)
        assert np.quantile(moved, level) == pytest.approx(expected, abs=0.15 * error)


def test_a_wording_that_is_good_at_all_stages_does_not_bear_on_their_difference():
    """Each of 5 wordings is as much better before as after: the change is known as well as ever."""
    generator = np.random.default_rng(3)
    items = planted(generator, stages=2, images=400)
    shift = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])[items.wordings]
    shifted = Items(
        {"strict": items.fields["strict"] + 0.2 + shift}, items.clusters, {"strict": 2.0}, items.wordings
    )
    one, both = (draws(shifted, resamples=3000, second=second) for second in (None, "wordings"))
    assert both[:, 0].std() > 3 * one[:, 0].std()
    changes = (one[:, 1] - one[:, 0]).std(), (both[:, 1] - both[:, 0]).std()
    assert changes[0] < changes[1] < 2 * changes[0]


def test_one_wording_and_fields_of_the_wordings_themselves_stay():
    items = planted(np.random.default_rng(4))
    rows = items.fields["strict"]
    alone = Items({"strict": rows}, items.clusters, wordings=np.zeros_like(items.wordings))
    np.testing.assert_array_equal(draws(alone, second="wordings"), draws(alone))
    told = Items({"strict": rows, "gap": rows}, items.clusters, {}, items.wordings, ("gap",))
    one, both = (resampled_means({"t": told}, ["t"], second=second) for second in (None, "wordings"))
    np.testing.assert_array_equal(one["gap"], both["gap"])
    assert (one["strict"] != both["strict"]).any()


def test_a_row_without_some_wordings_is_moved_by_those_that_it_has():
    rows = np.array([[0.1, 0.9, np.nan, np.nan], [np.nan, np.nan, np.nan, 0.5], [0.4, 0.4, 0.4, 0.4]])
    moved = wording_moves(rows, np.arange(4), 200, np.random.default_rng(5))
    assert moved[:, 0].std() > 0.1
    assert not moved[:, 1:].any()


def test_two_runs_on_the_same_items_are_moved_alike():
    items = planted(np.random.default_rng(6))
    first, second = (draws(items, resamples=2000, run=run, second="wordings") for run in (0, 1))
    assert np.corrcoef(first[:, 0], second[:, 0])[0, 1] > 0.95
