"""The paired bootstrap: coverage, pairing, clusters, holes, width at the edges, determinism."""

import numpy as np
import pytest
from scipy import stats

from cvit_bench.metrics import ap, bwt_tm1
from cvit_bench.metrics.resampling import Items, field_means, resampled_means
from cvit_bench.metrics.uncertainty import percentile_interval, wilson
from cvit_bench.records.matrix import ScoreMatrix

NaN = np.nan


def _coins(generator, shares, num):
    """Draw 0 or 1 for each stage and sample."""
    return (generator.random((len(shares), num)) < np.array(shares)[:, None]).astype(float)


def _items(rows, clusters=None, name="strict", **highest):
    rows = np.asarray(rows, dtype=float)
    return Items({name: rows}, np.arange(rows.shape[1]) if clusters is None else np.array(clusters), highest)


def _matrix(values):
    tasks = tuple(f"t{at}" for at in range(values.shape[-1]))
    trained = ((), *((task,) for task in tasks[: values.shape[-2] - 1]))
    return ScoreMatrix(values, tuple(map(str, range(values.shape[-2]))), tasks, trained)


def _interval(tasks, compute, **settings):
    value = compute(_matrix(field_means(tasks, list(tasks))["strict"]))
    return percentile_interval(
        compute(_matrix(resampled_means(tasks, list(tasks), **settings)["strict"])), value
    )


def test_intervals_hold_the_point_estimate():
    generator = np.random.default_rng(0)
    tasks = {
        "t0": _items(_coins(generator, (0.1, 0.9, 0.5), 400)),
        "t1": _items(_coins(generator, (0.2, 0.3, 0.8), 400)),
    }
    means = field_means(tasks, ["t0", "t1"])["strict"]
    low, high = _interval(tasks, ap.compute)
    assert low < means[2].mean() < high
    assert high - low == pytest.approx(0.067, abs=0.01)  # 2·1.96·√(.25 + .16)/2/√400
    low, high = _interval(tasks, bwt_tm1.compute)
    assert low < means[2, 0] - means[1, 0] < high


def test_one_proportion_agrees_with_wilson():
    rows = _coins(np.random.default_rng(1), (0.5, 0.3), 500)
    assert _interval({"t0": _items(rows)}, ap.compute, resamples=4000) == pytest.approx(
        wilson(rows[1].sum(), 500), abs=0.005
    )


def test_stages_share_the_draw():
    """Of two stages that agree sample by sample both move together, and by far less apart."""
    row = _coins(np.random.default_rng(2), (0.5,), 100)[0]
    drawn = resampled_means({"t0": _items([row, row, row])}, ["t0"])["strict"][..., 0]
    assert drawn[:, 1].std() == pytest.approx(0.05, rel=0.1)
    assert (drawn[:, 1] - drawn[:, 2]).std() < 0.012


def test_fields_share_the_draw():
    row = _coins(np.random.default_rng(2), (0.5,), 400)
    drawn = resampled_means({"t0": Items({"a": row, "b": 1 - row}, np.arange(400))}, ["t0"])
    assert np.corrcoef(drawn["a"][:, 0, 0], drawn["b"][:, 0, 0])[0, 1] < -0.98


def test_clusters_widen_the_interval():
    """Ten copies of each of 50 samples carry the information of 50, and the interval says so."""
    few = _coins(np.random.default_rng(4), (0.5, 0.5), 50)
    many = np.repeat(few, 10, axis=1)
    honest = _interval({"t0": _items(few)}, ap.compute)
    naive = _interval({"t0": _items(many)}, ap.compute)
    clustered = _interval({"t0": _items(many, np.repeat(np.arange(50), 10))}, ap.compute)
    assert clustered == pytest.approx(honest)
    assert honest[1] - honest[0] > 2.5 * (naive[1] - naive[0])


def test_clusters_of_unequal_size_are_weighed_by_samples():
    """One cluster of 9 right answers and one of a single wrong one: near 0, .9 or 1, never near .5."""
    rows = [[0.0] * 10, [1.0] * 9 + [0.0]]
    items = _items(np.tile(rows, 1), [7] * 9 + [-3])
    drawn = _without_ends(items)[:, 1, 0]
    assert {round(value, 6) for value in drawn} == {0.0, 0.9, 1.0}


def _without_ends(items, **settings):
    """Return the drawn means alone: the ends of the scale lie where every cluster's mean lies."""
    from cvit_bench.metrics import resampling

    rows = np.concatenate(list(items.fields.values()))
    cluster_of = np.unique(items.clusters, return_inverse=True)[1]
    drawn = resampling._drawn_means(
        rows,
        cluster_of,
        settings.get("resamples", 500),
        np.random.default_rng(0),
        settings.get("within", False),
    )
    return drawn[..., None]


def test_a_missing_item_has_no_weight():
    """Means of what is there, by hand; a draw weighs each item by whether it is there."""
    items = _items([[1, NaN, 0, 1], [NaN, NaN, NaN, NaN]])
    means = field_means({"t0": items}, ["t0"])["strict"]
    assert means[0, 0] == pytest.approx(2 / 3)
    assert np.isnan(means[1, 0])
    drawn = resampled_means({"t0": items}, ["t0"])["strict"]
    assert np.isnan(drawn[:, 1]).all()
    assert drawn[:, 0].mean() == pytest.approx(2 / 3, abs=0.02)


def test_an_incomplete_design_is_wider_than_a_complete_one():
    """Half of the wordings are missing for each sample: what is left carries half of the information."""
    generator = np.random.default_rng(5)
    full = _coins(generator, [0.5], 4000).reshape(1, 1000, 4)
    kept = np.argsort(generator.random((1000, 4)), axis=1) < 2
    half = np.where(kept, full, NaN)
    clusters = np.repeat(np.arange(1000), 4)
    widths = [
        resampled_means({"t": _items(rows.reshape(1, -1), clusters)}, ["t"])["strict"].std()
        for rows in (full, half)
    ]
    assert widths[1] / widths[0] == pytest.approx(2**0.5, rel=0.1)


def test_fields_may_have_their_own_items():
    """A field of 20 items beside one of 400 has the spread of 20."""
    generator = np.random.default_rng(6)
    rows, few = _coins(generator, [0.5], 400), np.full((1, 400), NaN)
    few[0, :20] = np.arange(20) % 2
    drawn = resampled_means({"t": Items({"all": rows, "few": few}, np.arange(400))}, ["t"])
    assert drawn["few"].std() / drawn["all"].std() == pytest.approx(20**0.5, rel=0.15)


def test_a_task_without_items_is_a_column_of_nothing():
    tasks = {"t1": _items(_coins(np.random.default_rng(7), (0.5, 0.5), 40))}
    assert np.isnan(field_means(tasks, ["t0", "t1"])["strict"]).tolist() == [[True, False]] * 2
    drawn = resampled_means(tasks, ["t0", "t1"], resamples=20)["strict"]
    assert drawn.shape == (20, 2, 2)
    assert np.isnan(drawn[..., 0]).all()
    assert not np.isnan(drawn[..., 1]).any()


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 10, 300])
def test_width_at_the_edges(share, n):
    """The far end at 0/n lies between Jeffreys' and Clopper and Pearson's."""
    tasks = {"t0": _items(np.full((2, n), share))}
    low, high = _interval(tasks, ap.compute, resamples=8000)
    assert (high if share else low) == pytest.approx(share)
    assert 0 <= low < high <= 1
    jeffreys, exact = stats.beta.ppf(0.975, 0.5, n + 0.5), 1 - 0.025 ** (1 / n)
    assert 0.9 * jeffreys <= high - low <= 1.05 * exact


def test_stages_that_agree_on_every_sample_still_have_width():
    """None of 300 samples changed: as with Agresti and Min's interval, about ± 2/302."""
    row = _coins(np.random.default_rng(8), (0.7,), 300)[0]
    tasks = {"t0": _items([row] * 3), "t1": _items([row] * 3)}
    low, high = _interval(tasks, bwt_tm1.compute, resamples=8000)
    assert low < 0 < high
    assert (-low, high) == pytest.approx((1.96 / 302, 1.96 / 302), rel=0.2)


def test_scores_of_another_scale_have_width_too():
    tasks = {"t0": _items(np.zeros((2, 100)), strict=10.0)}
    low, high = _interval(tasks, ap.compute)
    assert low == 0
    assert high == pytest.approx(10 * 2.7 / 102, rel=0.1)


def test_far_from_the_edges_the_ends_hardly_count():
    items = _items(_coins(np.random.default_rng(9), (0.5, 0.5), 1000))
    drawn = resampled_means({"t": items}, ["t"])["strict"].std(axis=0)
    assert drawn[:, 0] == pytest.approx(_without_ends(items, resamples=2000)[..., 0].std(axis=0), rel=0.05)


def test_two_levels_count_the_spread_within_clusters_twice():
    """Variance of the mean: between /n at the first level, within /(n m) more at the second."""
    generator = np.random.default_rng(10)
    rows, clusters = _coins(generator, [0.5], 1200), np.repeat(np.arange(300), 4)
    one, two = (
        _without_ends(_items(rows, clusters), resamples=3000, within=within).std() for within in (False, True)
    )
    assert one == pytest.approx((0.25 / 1200) ** 0.5, rel=0.1)
    within = rows.reshape(300, 4).var(axis=1).mean() / 1200
    assert two == pytest.approx((one**2 + within) ** 0.5, rel=0.05)


def test_two_levels_of_one_item_are_one():
    items = _items(_coins(np.random.default_rng(11), [0.5], 200))
    one, two = (_without_ends(items, resamples=4000, within=within).std() for within in (False, True))
    assert two == pytest.approx(one, rel=0.06)


def test_the_seed_decides_and_other_tasks_and_fields_do_not():
    rows = _coins(np.random.default_rng(12), (0.5, 0.6), 80)
    one = resampled_means({"t0": _items(rows)}, ["t0"], seed=3)["strict"]
    again = resampled_means({"t0": _items(rows)}, ["t0"], seed=3)["strict"]
    np.testing.assert_array_equal(one, again)
    assert (resampled_means({"t0": _items(rows)}, ["t0"], seed=4)["strict"] != one).any()
    with_others = {"t1": _items(rows[:, :33]), "t0": Items({"a": rows, "strict": rows}, np.arange(80))}
    both = resampled_means(with_others, ["t1", "t0"], seed=3)["strict"]
    np.testing.assert_allclose(both[..., 1], one[..., 0], atol=1e-12)


def test_blocks_of_draws_do_not_change_the_result(monkeypatch):
    tasks = {"t0": _items(_coins(np.random.default_rng(13), (0.5, 0.6), 80))}
    whole = resampled_means(tasks, ["t0"])["strict"]
    monkeypatch.setattr("cvit_bench.metrics.resampling._BLOCK", 800)
    np.testing.assert_array_equal(resampled_means(tasks, ["t0"])["strict"], whole)


def test_what_is_given_stays_as_it_was():
    rows = _coins(np.random.default_rng(14), (0.5, 0.6), 80)
    before = rows.copy()
    rows.setflags(write=False)
    resampled_means({"t0": _items(rows)}, ["t0"], resamples=10)
    np.testing.assert_array_equal(rows, before)
