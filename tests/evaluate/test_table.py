"""What an interval counts as one sample."""

import numpy as np
import pytest

from cvit_bench.evaluate.table import ScoredCell, sample_means
from cvit_bench.records.plan import PlannedCell
from cvit_bench.records.sample import Sample


def _cell(variant, values):
    samples = [Sample(name, "?", ("yes",)) for name in values]
    scores = {"strict": np.array(list(values.values()), dtype=float)}
    return ScoredCell(PlannedCell(stage="s", task="t", variant=variant), samples, scores)


def test_wordings_of_a_sample_are_averaged_before_anything_is_counted():
    cells = [_cell("v0", {"a": 1, "b": 0, "c": 1}), _cell("v1", {"c": 0, "a": 1, "b": 0})]
    assert sample_means(cells, "strict").tolist() == [1, 0, 0.5]


def test_each_sample_in_some_of_the_wordings():
    cells = [_cell("v0", {"a": 1, "b": 0}), _cell("v1", {"b": 1, "c": 1}), _cell("v2", {"c": 0, "a": 1})]
    assert sample_means(cells, "strict").tolist() == [1, 0.5, 0.5]


def test_one_wording_stays_as_it_is():
    found = sample_means([_cell("v0", {"a": 0.3, "b": 0.7})], "strict")
    assert found == pytest.approx([0.3, 0.7])
