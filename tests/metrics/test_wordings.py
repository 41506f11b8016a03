"""Robustness to rewording: by hand, and the incomplete design against the complete one by simulation."""

import numpy as np
import pytest

from cvit_bench.data.design import deal
from cvit_bench.evaluate.measures import computed, measured
from cvit_bench.metrics import agreement, wording_gap
from cvit_bench.metrics.beside import worst_and_best
from cvit_bench.metrics.resampling import Items
from cvit_bench.metrics.wordings import completed, over_wordings, wording_fields
from cvit_bench.records.matrix import ScoreMatrix

NaN = np.nan
#                    v0 v1 v2  (v0, v1 train)
SCORES = np.array([[[1, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]], dtype=float)


def _means(scores, is_train=(True, True, False), highest=1.0):
    fields = wording_fields(np.asarray(scores, dtype=float), is_train, highest)
    return {name: values.mean(axis=1) for name, values in fields.items()}


def test_by_hand():
    found = _means(SCORES)
    assert [found[f"wording_{at}"][0] for at in range(3)] == [0.75, 0.5, 0.25]
    assert found["train_wordings"][0] == 0.625
    assert found["heldout_wordings"][0] == 0.25
    assert found["consistent"][0] == 0.5  # samples 1 and 3
    assert found["agreement"][0] == pytest.approx((1 + 1 / 3 + 1 + 1 / 3) / 4)


def test_graded_scores_are_right_from_half_on():
    found = wording_fields(np.array([[[0.3, 0.6], [0.6, 1.0]]]), (True, False), 1.0)
    assert found["consistent"].tolist() == [[0.0, 1.0]]
    high = wording_fields(np.array([[[3.0, 6.0], [6.0, 9.0]]]), (True, False), 10.0)
    assert high["consistent"].tolist() == [[0.0, 1.0]]


def test_a_stage_that_was_not_run_stays_empty():
    scores = np.concatenate([np.full_like(SCORES, NaN), SCORES])
    for values in wording_fields(scores, (True, True, False), 1.0).values():
        assert np.isnan(values[0]).all()
        assert not np.isnan(values[1]).any()


def test_without_a_heldout_wording_there_is_no_heldout_mean():
    assert "heldout_wordings" not in _means(SCORES, is_train=(True, True, True))


def test_seeing_all_wordings_leaves_the_scores_as_they_are():
    np.testing.assert_array_equal(completed(SCORES), SCORES)


def test_seeing_some_wordings_by_hand():
    """K = 3, k = 2: z = mean + 2 · (x − mean) where seen, the mean elsewhere."""
    found = completed(np.array([[[0.2, 0.8, NaN], [NaN, 1.0, 1.0]]]))
    np.testing.assert_allclose(found, [[[-0.1, 1.1, 0.5], [1.0, 1.0, 1.0]]])


def test_whether_all_agree_cannot_be_told_from_some():
    found = wording_fields(np.array([[[1.0, 1.0, NaN]]]), (True, True, False), 1.0)
    assert np.isnan(found["consistent"]).all()
    assert found["agreement"].tolist() == [[1.0]]


@pytest.fixture(scope="module")
def full():
    """Scores [1, samples, wordings] that differ by sample, by wording, and by both together."""
    draw = np.random.default_rng(1)
    easy, wording = draw.random((31, 1)), np.array([0.3, 0.1, 0.0, -0.05, -0.1, -0.4])
    chance = np.clip(easy + wording * draw.random((31, 6)) * 2, 0, 1)
    return (draw.random((31, 6)) < chance).astype(float)[None]


def _dealt(full, k, seed):
    hands = deal(full.shape[1], full.shape[2], k, f"{seed}")
    seen = np.array([[at in hand for at in range(full.shape[2])] for hand in hands])
    return np.where(seen, full, NaN)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_incomplete_design_is_unbiased(full, k):
    """Over 600 deals every linear summary averages to the value of the complete design."""
    is_train = (True, True, True, False, False, False)
    truth = _means(full, is_train)
    draws = [_means(_dealt(full, k, seed), is_train) for seed in range(600)]
    for name in set(truth) - {"consistent", "wording_noise"}:
        values = np.array([found[name][0] for found in draws])
        standard_error = values.std(ddof=1) / np.sqrt(len(values))
        assert values.mean() == pytest.approx(truth[name][0], abs=4.5 * standard_error + 1e-12), name


@pytest.mark.parametrize(("strength", "is_closer"), [(6.0, True), (0.0, False)])
def test_comparing_within_samples_pays_where_wordings_of_a_sample_agree(strength, is_closer):
    """Against the plain mean over the samples that saw a wording, for two of eight wordings."""
    draw = np.random.default_rng(3)
    easy = 1 / (1 + np.exp(-strength * draw.standard_normal((60, 1))))
    full = (draw.random((60, 8)) < easy).astype(float)[None]
    deals = [_dealt(full, 2, seed) for seed in range(200)]
    within = np.array([completed(found).mean(axis=1)[0] for found in deals]).std(axis=0).mean()
    plain = np.array([np.nanmean(found, axis=1)[0] for found in deals]).std(axis=0).mean()
    assert (within < 0.9 * plain) == is_closer


def _worst_and_best(scores):
    means = _means(scores, (True,) * 7 + (False,))
    return np.array(worst_and_best(means, np.full(1, NaN)))[:, 0]


@pytest.mark.parametrize("effect", [0.0, 0.2])
@pytest.mark.parametrize("k", [2, 4])
def test_worst_and_best_are_not_driven_apart_by_the_deal(effect, k):
    """Over 150 runs of 60 samples and 8 wordings that differ by up to 2 · effect."""
    draw = np.random.default_rng(2)
    full, dealt, plain = [], [], []
    for seed in range(150):
        easy = 1 / (1 + np.exp(-3 * draw.standard_normal((60, 1))))
        chance = easy + effect * np.linspace(-1, 1, 8)
        said = (0.7 * draw.random((60, 1)) + 0.3 * draw.random((60, 8)) < chance).astype(float)[None]
        some = _dealt(said, k, seed)
        full.append(_worst_and_best(said))
        dealt.append(_worst_and_best(some))
        plain.append(np.ptp(completed(some).mean(axis=1)))
    spread, estimate = (np.diff(np.array(found), axis=1).mean() for found in (full, dealt))
    assert estimate == pytest.approx(spread, abs=0.03)
    assert np.mean(plain) > 1.03 * estimate
    assert np.mean(dealt, axis=0) == pytest.approx(np.mean(full, axis=0), abs=0.025)


def test_noise_of_the_deal_by_hand():
    """K = 3, k = 2, N = 2: 2 · 1 / (1 · 2) · s², s² of (0.2, 0.8) is 0.18 and of (1, 1) is 0."""
    fields = wording_fields(np.array([[[0.2, 0.8, NaN], [NaN, 1.0, 1.0]]]), (True, True, False), 1.0)
    np.testing.assert_allclose(fields["wording_noise"], [[0.18, 0.0]])
    whole = wording_fields(SCORES, (True, True, False), 1.0)
    np.testing.assert_array_equal(whole["wording_noise"], np.zeros((1, 4)))


def test_intervals_of_an_incomplete_design_hold_the_truth():
    """100 runs of 60 samples, two of four wordings each; true gap 18 points, agreement by a large sample."""
    layout = ScoreMatrix(np.full((2, 1), NaN), ("base", "1"), ("t",), ((), ("t",)))
    is_train = {f"v{at}": at < 2 for at in range(4)}
    draw, held = np.random.default_rng(4), {"gap": [], "agreement": []}
    many = _said(draw, 100_000)
    truth = {"gap": 18.0, "agreement": 100 * _means(many, (True,) * 4)["agreement"][0]}
    for seed in range(100):
        scores = _dealt(_said(draw, 60), 2, seed)[0]
        seen = [(row, column) for row, column in np.ndindex(60, 4) if not np.isnan(scores[row, column])]
        places = {(f"v{column}", str(row)): at for at, (row, column) in enumerate(seen)}
        last = np.array([scores[place] for place in seen])
        strict = np.stack([np.full(len(last), NaN), last])
        fields = dict.fromkeys(("strict", "lenient", "unsaid", "form"), strict)
        fields |= over_wordings(strict, places, is_train, 1.0)
        items = Items(fields, np.array([row for row, _ in seen]), {"wording_noise": 0.0})
        run = measured({"t": items}, layout, resamples=200)
        for name, module in (("gap", wording_gap), ("agreement", agreement)):
            low, high = np.quantile(computed(name, module, run.draws), [0.025, 0.975])
            held[name].append(low <= truth[name] <= high)
    assert {name: np.mean(found) >= 0.86 for name, found in held.items()} == {"gap": True, "agreement": True}


def _said(draw, num):
    """Wordings 0 and 1 are right where the sample is easier than .3, the others than .5; noise on a tenth."""
    right = draw.random((num, 1)) > np.array([0.3, 0.3, 0.5, 0.5])
    return np.where(draw.random((num, 4)) < 0.1, draw.random((num, 4)) < 0.6, right).astype(float)[None]
