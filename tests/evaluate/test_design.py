"""`--per-sample k`: each sample is asked in k of the wordings, the same at every stage, and scored so."""

import json

import pyarrow.parquet as pq
import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.plan import load_plan

STRICT = ((25, 0, 0, 50), (100, 25, 0, 50), (50, 100, 25, 25), (25, 75, 100, 0))


@pytest.fixture
def options(toy):
    return EvaluateOptions(data_root=toy.data, variants=None, per_sample=2)


def _asked(toy, stage, task):
    files = sorted((toy.run_dir / "predictions" / stage / task).glob("*.jsonl"))
    return {path.stem: {json.loads(line)["id"] for line in path.read_text().splitlines()} for path in files}


def test_every_sample_is_asked_twice_and_the_same_way_at_every_stage(toy, options):
    evaluate(toy.run_dir, options)
    first = _asked(toy, "00-base", "fruit")
    assert sum(map(len, first.values())) == 2 * 4
    assert sorted(map(len, first.values())) == [2, 3, 3]
    assert set().union(*first.values()) == {f"fruit-test-{at}" for at in range(4)}
    assert all(_asked(toy, stage, "fruit") == first for stage in ("01-fruit", "02-pick", "03-count"))


def test_the_matrix_weighs_every_sample_alike(toy, options):
    """The scripted model answers all wordings alike, so the means are those of the full design."""
    results = evaluate(toy.run_dir, options)
    assert results.matrices.S == STRICT
    assert {cell.n for cell in results.cells} == {2, 3}


def test_the_plan_says_how_and_scoring_again_follows_it(toy, options):
    evaluate(toy.run_dir, options)
    plan = load_plan(toy.run_dir)
    assert plan.design is not None
    assert (plan.design.per_sample, plan.design.variants, plan.design.seed) == (2, None, 0)
    before = (toy.run_dir / "results.json").read_bytes()
    rescore(toy.run_dir, toy.data)
    assert (toy.run_dir / "results.json").read_bytes() == before


def test_a_full_evaluation_afterwards_keeps_what_was_answered(toy, options):
    evaluate(toy.run_dir, options)
    lines = (toy.run_dir / "predictions" / "00-base" / "fruit" / "v0.jsonl").read_text()
    results = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=None))
    assert (toy.run_dir / "predictions" / "00-base" / "fruit" / "v0.jsonl").read_text().startswith(lines)
    assert {cell.n for cell in results.cells} == {4}
    assert results.matrices.S == STRICT


def test_more_a_sample_than_are_asked_is_refused(toy):
    with pytest.raises(CvitBenchError, match="--per-sample 2: more than the wordings that are asked"):
        evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=1, per_sample=2))
    assert not (toy.run_dir / "predictions").exists()


def test_captions_are_weighed_by_the_words_of_all_samples(toy, options):
    """CIDEr counts how rare a word is among references: of the task, not of what one wording was asked."""
    form = {"min_words": 1}
    toy.edit("tasks/fruit.yaml", scorer="cider", answer_form="sentence", classes=[], form=form)
    toy.edit("instruction_templates/fruit.yaml", answer_form="sentence")
    full = _fruit_scores(toy, EvaluateOptions(data_root=toy.data, variants=None))
    some = _fruit_scores(toy, options)
    assert len(full) == 12
    assert len(some) == 8
    assert some == {key: full[key] for key in some}
    assert max(some.values()) > 1


def _fruit_scores(toy, options):
    evaluate(toy.run_dir, options)
    rows = pq.read_table(toy.run_dir / "scores" / "01-fruit" / "fruit.parquet").to_pylist()
    return {(row["variant"], row["id"]): row["strict"] for row in rows}
