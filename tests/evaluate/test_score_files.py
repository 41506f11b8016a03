"""Score files: one row an answer, all of them or none of them."""

import pyarrow.parquet as pq
import pytest

from cvit_bench.errors import IncompleteRunError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate


@pytest.fixture
def scored(toy):
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=None))
    return toy


def _files(toy):
    return {path: path.read_bytes() for path in sorted(toy.run_dir.glob("scores/**/*")) if path.is_file()}


def test_every_answer_has_a_row_with_its_scores(scored):
    table = pq.read_table(scored.run_dir / "scores" / "03-count" / "count.parquet").to_pylist()
    assert len(table) == 3 * 4
    assert [row["variant"] for row in table[::4]] == ["v0", "v1", "h0"]
    assert all(row["strict"] == row["knowledge"] == 1.0 and row["form"] for row in table)
    assert [row["text"] for row in table[:4]] == ["1", "2", "3", "4"]


def test_scoring_again_gives_the_same_bytes(scored):
    before = _files(scored)
    rescore(scored.run_dir, scored.data)
    assert _files(scored) == before


def test_a_missing_answer_leaves_every_score_file_as_it_was(scored):
    before = _files(scored)
    (scored.run_dir / "predictions" / "03-count" / "yesno" / "h0.jsonl").unlink()
    one = scored.run_dir / "predictions" / "00-base" / "fruit" / "v0.jsonl"
    one.write_text(one.read_text().replace('"text":"', '"text":"not '))
    with pytest.raises(IncompleteRunError, match="4 of 4 answers are missing"):
        rescore(scored.run_dir, scored.data)
    assert _files(scored) == before
