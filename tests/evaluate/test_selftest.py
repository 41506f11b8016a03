"""The self-test finds answers that depend on how they are computed, and its verdict goes along with a run."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from cvit_bench.cli.main import app
from cvit_bench.evaluate.selftest import selftest
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.families.scripted import ScriptedModel
from cvit_bench.models.family import Placement
from cvit_bench.records.selftest import SELFTEST
from cvit_bench.report.caveats import caveats
from cvit_bench.report.terminal import results_text


@pytest.fixture
def options(toy):
    return EvaluateOptions(data_root=toy.data, batch_size=3, variants=2)


def words(toy, *more):
    return ["selftest", "--run-dir", str(toy.run_dir), "--data-root", str(toy.data), *more]


def test_a_passed_self_test_stands_in_the_results(toy, options):
    done = CliRunner().invoke(app, words(toy))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("passed: ")
    results = evaluate(toy.run_dir, options)
    assert results.provenance["selftest"]["passed"] is True
    assert "Self-test passed" in results_text(results)
    assert not any("self-test" in text for text in caveats(results))


@pytest.fixture
def depending(monkeypatch):
    """Have one answer depend on whether its prompt is alone."""
    usual = ScriptedModel.answer_and_rank

    def depends(self, prompts, answers):
        found = usual(self, prompts, answers)
        return [("pear" if len(prompts) > 1 and one.sample_id == "fruit-test-1" else text, row)
                for one, (text, row) in zip(prompts, found, strict=True)]  # fmt: skip

    monkeypatch.setattr(ScriptedModel, "answer_and_rank", depends)


@pytest.mark.usefixtures("depending")
def test_one_answer_that_depends_on_its_batch_fails_it(toy, options):
    found = selftest(toy.run_dir, replace(options, limit=2))
    single, plain, again = found.checks
    assert not found.passed
    assert (single.differing, plain.differing, again.differing) == (4, 4, 0)
    assert {(one.stage, one.sample) for one in single.examples} == {
        ("00-base", "fruit-test-1"), ("03-count", "fruit-test-1")}  # fmt: skip
    done = CliRunner().invoke(app, words(toy))
    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert any("self-test failed" in text for text in caveats(evaluate(toy.run_dir, options)))


def test_a_self_test_of_other_weights_says_nothing(toy, options):
    selftest(toy.run_dir, replace(options, limit=1), every_stage=True)
    assert set(json.loads((toy.run_dir / SELFTEST).read_text())["stages"]) == {
        "00-base", "01-fruit", "02-pick", "03-count"}  # fmt: skip
    assert "selftest" in evaluate(toy.run_dir, options).provenance
    toy.edit_script("03-count", default="who knows")
    assert "selftest" not in evaluate(toy.run_dir, options).provenance
    (toy.run_dir / SELFTEST).write_text("{")
    assert "selftest" not in evaluate(toy.run_dir, options).provenance


def answer(toy):
    path = toy.run_dir / "predictions" / "03-count" / "fruit" / "v0.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return next(row["text"] for row in rows if row["id"] == "fruit-test-1")


@pytest.mark.usefixtures("depending")
def test_a_failed_one_is_told_of_before_anything_is_answered_and_one_by_one_goes_round_it(
    toy, options, capsys
):
    evaluate(toy.run_dir, options)
    assert "warning" not in capsys.readouterr().err, "nothing is known yet"
    assert answer(toy) == "pear"
    selftest(toy.run_dir, replace(options, limit=2))
    (toy.run_dir / "predictions" / "00-base" / "fruit" / "v0.jsonl").unlink()
    capsys.readouterr()
    evaluate(toy.run_dir, options)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 1
    assert "4 differ one prompt at a time" in warnings[0]
    assert "--one-by-one" in warnings[0]
    evaluate(toy.run_dir, options)
    assert "warning" not in capsys.readouterr().err, "nothing is computed"
    alone = replace(options, placement=Placement(one_by_one=True), batch_size=64)
    found = evaluate(toy.run_dir, alone)
    assert "warning" not in capsys.readouterr().err
    assert found.provenance["batch_size"] == 1
    assert found.provenance["generation"]["placement"]["one_by_one"] is True
    assert answer(toy) != "pear"
    assert any("one by one" in text for text in caveats(found))


@pytest.mark.usefixtures("depending")
def test_a_failed_one_of_another_dtype_is_not_held_against_this_one(toy, options, capsys):
    selftest(toy.run_dir, replace(options, limit=2, placement=Placement(dtype="bfloat16")))
    capsys.readouterr()
    evaluate(toy.run_dir, options)
    assert "warning" not in capsys.readouterr().err
