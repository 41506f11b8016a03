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


def _rewritten(scored, change):
    path = scored.run_dir / "predictions" / "03-count" / "count" / "v0.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def test_answers_are_joined_by_id_never_by_line(scored):
    before = _files(scored)
    _rewritten(scored, reversed)
    rescore(scored.run_dir, scored.data)
    assert _files(scored) == before


def test_an_id_with_two_answers_is_named(scored):
    _rewritten(scored, lambda lines: [*lines, lines[1].replace('"text":"2"', '"text":"3"')])
    with pytest.raises(IncompleteRunError, match="count-test-1: stands twice with different answers"):
        rescore(scored.run_dir, scored.data)


def test_an_answer_to_another_sample_stands_for_none(scored):
    _rewritten(scored, lambda lines: [lines[0].replace("count-test-0", "count-test-9"), *lines[1:]])
    with pytest.raises(IncompleteRunError, match="1 of 4 answers are missing: count-test-0"):
        rescore(scored.run_dir, scored.data)
