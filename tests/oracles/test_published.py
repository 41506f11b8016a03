"""Metrics against published tables and recovered matrices (`leaderboards/published/*.json`)."""

import json
from pathlib import Path

import numpy as np
import pytest

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.metrics import ap, ap_no_caption, bwt_t, bwt_tm1, learning_accuracy
from cvit_bench.metrics import map as mean_ap
from cvit_bench.records.matrix import ScoreMatrix

FOLDER = Path(__file__).parents[2] / "leaderboards" / "published"
PROTOCOLS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
AGGREGATES = json.loads(Path(__file__).with_name("matrix_aggregates.json").read_text("utf-8"))
"""Aggregates of the recovered matrices, worked out apart from this package."""

ALL_ROWS = [row | {"protocol": name} for name, found in PROTOCOLS.items() for row in found.get("rows", ())]
ALL_MATRICES = [
    found | {"protocol": name} for name, about in PROTOCOLS.items() for found in about.get("matrices", ())
]
COMPUTED = {
    "ap": ap,
    "learning_accuracy": learning_accuracy,
    "map": mean_ap,
    "bwt_tm1": bwt_tm1,
    "bwt_t": bwt_t,
}


def _scores(row):
    return [row.get("scores", {}).get(task) for task in PROTOCOLS[row["protocol"]]["tasks"]]


def _printed_mean(row):
    return row.get("printed", {}).get(PROTOCOLS[row["protocol"]]["mean"])


ROWS = [row for row in ALL_ROWS if None not in (*_scores(row), _printed_mean(row))]
WITH_BWT = [row for row in ROWS if {"MFT", "BWT"} <= row["printed"].keys()]
SMOLORA = next(row for row in ROWS if row["protocol"] == "cvit-single" and row["method"] == "SMoLoRA")
MATRICES = [
    pytest.param(found, name, id=f"{found['protocol']}-{found['run']}-{name}")
    for found in ALL_MATRICES
    for name in COMPUTED
]


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
    scores = _scores(row)
    return [*[[None] * len(scores)] * (len(scores) - 1), scores]


def _recovered(found):
    """Take the tasks that were measured, and the stages that trained them, in training order."""
    rows = dict(zip(found["stages"], found["values"], strict=True))
    known = [at for at in range(len(found["tasks"])) if any(row[at] is not None for row in rows.values())]
    return [[rows[found["tasks"][stage]][task] for task in known] for stage in known]


def test_how_much_can_be_compared():
    assert (len(ALL_ROWS), len(ALL_MATRICES)) == (98, 18)
    assert (len(ROWS), len(WITH_BWT)) == (61, 32)


@pytest.mark.parametrize("row", ROWS, ids=_label)
def test_mean_of_the_last_row(row):
    gap = abs(ap.compute(_matrix(_last_row_only(row))) - _printed_mean(row))
    assert (gap > 0.0051) == ("mismatch" in row)
    assert gap < 0.06


def test_the_known_mismatches_are_two():
    """CVIT: SeqLoRA with the cell of v1 (single), EWC (multi)."""
    assert {row["method"] for row in ROWS if "mismatch" in row} == {"SeqLoRA", "EWC"}


@pytest.mark.parametrize("row", WITH_BWT, ids=_label)
def test_backward_transfer_over_t_minus_1(row):
    """The tables print the mean of the diagonal, not its cells: any diagonal with that mean gives their BWT.

    Here every task but the last lost the same c, with c·(T−1)/T = MFT − MFN.
    """
    assert PROTOCOLS[row["protocol"]]["bwt"] == "T-1"
    last, printed = np.array(_scores(row)), row["printed"]
    loss = (printed["MFT"] - last.mean()) * len(last) / (len(last) - 1)
    values = np.full((len(last), len(last)), np.nan)
    np.fill_diagonal(values, last + loss)
    values[-1] = last
    assert learning_accuracy.compute(_matrix(values)) == pytest.approx(printed["MFT"])
    assert bwt_tm1.compute(_matrix(values)) == pytest.approx(printed["BWT"], abs=0.0151)


def test_smolora_without_its_caption_task():
    matrix = _matrix(_last_row_only(SMOLORA), open_ended=("t3",))
    assert ap.compute(matrix) == pytest.approx(83.44, abs=0.0051)
    assert ap_no_caption.compute(matrix) == pytest.approx(69.73, abs=0.0051)


@pytest.mark.parametrize(("found", "name"), MATRICES)
def test_recovered_matrices(found, name):
    """An aggregate is null where a cell that it needs is lost."""
    matrix, expected = _matrix(_recovered(found)), AGGREGATES[found["protocol"]][found["run"]][name]
    if expected is None:
        with pytest.raises(MetricUndefinedError):
            COMPUTED[name].compute(matrix)
    else:
        assert COMPUTED[name].compute(matrix) == pytest.approx(expected, abs=6e-5)
