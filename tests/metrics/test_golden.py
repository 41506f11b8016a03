"""Every metric on one matrix, worked out by hand.

stage   a    b    c (caption) | d    e (unseen)
base    10   20   30          | 40   60
1: a    80   25   28          | 42   61
2: b    85   70   50          | 35   58
3: c    60   64   120         | 30   50
"""

import importlib

import pytest

ROWS = [[10, 20, 30, 40, 60], [80, 25, 28, 42, 61], [85, 70, 50, 35, 58], [60, 64, 120, 30, 50]]

GOLDEN = {
    "ap": 244 / 3,  # (60 + 64 + 120) / 3
    "ap_no_caption": 62,  # (60 + 64) / 2
    "map": (80 + 77.5 + 244 / 3) / 3,  # 80; (85 + 70) / 2; 244 / 3
    "learning_accuracy": 90,  # (80 + 70 + 120) / 3
    "bwt_tm1": -13,  # ((60 − 80) + (64 − 70)) / 2
    "bwt_t": -26 / 3,  # (−20 − 6 + 0) / 3
    "forgetting": 15.5,  # ((max(80, 85) − 60) + (max(25, 70) − 64)) / 2
    "fwt": 12.5,  # ((25 − 20) + (50 − 30)) / 2
    "mif": 244 / 3,  # as ap, on F
    "form_bwt": -13,  # as bwt_tm1, on F
    "unseen": 40,  # (30 + 50) / 2
    "unseen_change": -10,  # ((30 − 40) + (50 − 60)) / 2
}


@pytest.mark.parametrize("name", GOLDEN)
def test_by_hand(make_matrix, name):
    matrix = make_matrix(ROWS, num_unseen=2, open_ended="c", trained=((), ("a",), ("b",), ("c",)))
    assert importlib.import_module(f"cvit_bench.metrics.{name}").compute(matrix) == pytest.approx(
        GOLDEN[name]
    )


#                last row: a, b, c (caption), d, e (unseen)
BESIDE = {
    "S": ROWS[3],
    "W": [50, 60, 90, 20, 40],
    "B": [70, 68, 150, 40, 60],
    "T": [62, 66, 130, 30, 55],
    "H": [57, 60, 104, 30, 45],
    "A": [90, 80, 70, 60, 50],
    "C": [85, 75, 65, 55, 45],
    "O": [30, 20, 40, 10, 0],
    "N": [55, 45, 80, 5, 15],
    "M": [82, 66, 119, 0, 0],
    "P": [79, 76, 121, 0, 0],
}
GOLDEN_BESIDE = {
    "worst_wording": 200 / 3,  # (50 + 60 + 90) / 3
    "wording_spread": 88 / 3,  # (20 + 8 + 60) / 3
    "wording_gap": 37 / 3,  # (5 + 6 + 26) / 3
    "agreement": 80,
    "consistency": 75,
    "form_change_kept": 30,
    "form_change_known": 60,
    "intransigence_multitask": -1,  # learned 80, 70, 120: (2 − 4 − 1) / 3
    "intransigence_per_task": 2,  # (−1 + 6 + 1) / 3
}


@pytest.mark.parametrize("name", GOLDEN_BESIDE)
def test_matrices_beside_by_hand(make_matrix, name):
    module = importlib.import_module(f"cvit_bench.metrics.{name}")
    rows = {kind: [*ROWS[:3], last] for kind, last in BESIDE.items()}
    trained = ((), ("a",), ("b",), ("c",))
    found = [make_matrix(rows[kind], num_unseen=2, trained=trained) for kind in module.MATRIX]
    assert module.compute(*found) == pytest.approx(GOLDEN_BESIDE[name])


def test_training_order_is_read_from_the_stages(make_matrix):
    """Trained b, c, a although the columns stand as a, b, c."""
    from cvit_bench.metrics import bwt_tm1, fwt, learning_accuracy
    from cvit_bench.metrics import map as mean_ap

    rows = [[10, 20, 30], [15, 90, 40], [25, 70, 80], [60, 50, 75]]
    matrix = make_matrix(rows, trained=((), ("b",), ("c",), ("a",)))
    assert learning_accuracy.compute(matrix) == pytest.approx((90 + 80 + 60) / 3)
    assert bwt_tm1.compute(matrix) == pytest.approx(((50 - 90) + (75 - 80)) / 2)
    assert fwt.compute(matrix) == pytest.approx(((40 - 30) + (25 - 10)) / 2)
    assert mean_ap.compute(matrix) == pytest.approx((90 + (70 + 80) / 2 + (60 + 50 + 75) / 3) / 3)
