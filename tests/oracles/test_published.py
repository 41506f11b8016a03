"""Metrics against published tables and recovered matrices (figures labelled in published_rows.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from cvit_bench.metrics import ap, ap_no_caption, bwt_t, bwt_tm1, learning_accuracy
from cvit_bench.metrics import map as mean_ap
from cvit_bench.records.matrix import ScoreMatrix

PUBLISHED = json.loads(Path(__file__).with_name("published_rows.json").read_text("utf-8"))
ROWS = PUBLISHED["rows"]
WITH_BWT = [row for row in ROWS if "bwt" in row]
SMOLORA = next(row for row in ROWS if row["protocol"] == "cvit-single" and row["method"] == "SMoLoRA")
COMPUTED = {
    "ap": ap,
    "learning_accuracy": learning_accuracy,
    "map": mean_ap,
    "bwt_tm1": bwt_tm1,
    "bwt_t": bwt_t,
}


def _label(row):
    return f"{row['protocol']}-{row['method']}"


def _matrix(values, open_ended=()):
    """Give stages 1..T over T tasks; the base row was never published."""
    table = np.array([[np.nan if cell is None else cell for cell in row] for row in values], dtype=float)
    tasks = tuple(f"t{at}" for at in range(1, len(table) + 1))
    rows = np.vstack([np.full(len(tasks), np.nan), table])
    trained = ((), *((task,) for task in tasks))
    return ScoreMatrix(rows, ("base", *tasks), tasks, trained, open_ended=frozenset(open_ended))


def _last_row_only(row):
    blank = [None] * len(row["last"])
    return [*[blank] * (len(blank) - 1), row["last"]]


def test_what_is_copied_is_labelled():
    assert PUBLISHED["source"] == "published"
    assert len(ROWS) == 61
    assert sum("known_mismatch" in row for row in ROWS) == 2


@pytest.mark.parametrize("row", ROWS, ids=_label)
def test_mean_of_the_last_row(row):
    gap = abs(ap.compute(_matrix(_last_row_only(row))) - row["mean"])
    assert (gap > 0.0051) == ("known_mismatch" in row)
    assert gap < 0.06


@pytest.mark.parametrize("row", WITH_BWT, ids=_label)
def test_backward_transfer_over_t_minus_1(row):
    """The tables print the mean of the diagonal, not its cells: any diagonal with that mean gives their BWT.

    Here every task but the last lost the same c, with c·(T−1)/T = MFT − MFN.
    """
    last = np.array(row["last"])
    loss = (row["diagonal_mean"] - last.mean()) * len(last) / (len(last) - 1)
    values = np.full((len(last), len(last)), np.nan)
    np.fill_diagonal(values, last + loss)
    values[-1] = last
    assert learning_accuracy.compute(_matrix(values)) == pytest.approx(row["diagonal_mean"])
    assert bwt_tm1.compute(_matrix(values)) == pytest.approx(row["bwt"], abs=0.0151)


def test_smolora_without_its_caption_task():
    matrix = _matrix(_last_row_only(SMOLORA), open_ended=("t3",))
    assert ap.compute(matrix) == pytest.approx(83.44, abs=0.0051)
    assert ap_no_caption.compute(matrix) == pytest.approx(69.73, abs=0.0051)


@pytest.mark.parametrize("found", PUBLISHED["matrices"], ids=lambda found: found["run"])
@pytest.mark.parametrize("name", COMPUTED)
def test_recovered_matrices(found, name):
    assert COMPUTED[name].compute(_matrix(found["values"])) == pytest.approx(found[name], abs=6e-5)
