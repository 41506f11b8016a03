"""Answers of another run are taken over where their keys are the same, and nowhere else."""

import json

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.families.scripted import ScriptedModel
from cvit_bench.records.prediction import read_predictions


def asked_of(monkeypatch):
    """Count the prompts that a model answers and ranks from here on."""
    counts = {"generate": 0, "rank": 0}
    for name in counts:
        usual = getattr(ScriptedModel, name)

        def counted(self, prompts, *more, name=name, usual=usual):
            counts[name] += len(prompts)
            return usual(self, prompts, *more)

        monkeypatch.setattr(ScriptedModel, name, counted)
    return counts


def files(run_dir):
    return {p.relative_to(run_dir): p.read_bytes() for p in (run_dir / "predictions").rglob("*.json*")}


def test_a_run_of_the_same_checkpoints_needs_no_model(toy, copy_toy, monkeypatch):
    other, options = copy_toy("other"), EvaluateOptions(data_root=toy.data)
    evaluate(toy.run_dir, options)
    counts = asked_of(monkeypatch)
    evaluate(other, EvaluateOptions(data_root=toy.data, reuse=(toy.run_dir,)))
    assert counts == {"generate": 0, "rank": 0}
    assert files(other) == files(toy.run_dir)


def test_only_checkpoints_that_differ_are_answered(toy, copy_toy, monkeypatch):
    other, plain = copy_toy("other"), copy_toy("plain")
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    for run_dir in (other, plain):
        path = run_dir / toy.script("02-pick").relative_to(toy.run_dir)
        script = json.loads(path.read_text())
        path.write_text(json.dumps({**script, "delay": 0.0001}))
    counts = asked_of(monkeypatch)
    evaluate(other, EvaluateOptions(data_root=toy.data, reuse=(toy.run_dir,)))
    once = dict(counts)
    evaluate(plain, EvaluateOptions(data_root=toy.data))
    assert 0 < once["generate"] < counts["generate"] - once["generate"]
    assert files(other) == files(plain)


def test_a_failed_or_damaged_answer_is_not_taken(toy, copy_toy, capsys):
    other = copy_toy("other")
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    path = toy.run_dir / "predictions" / "02-pick" / "fruit" / "v0.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    failed = {**json.loads(lines[0]), "text": None, "error": "broken"}
    path.write_text(json.dumps(failed) + "\n" + "".join(lines[1:-1]) + lines[-1][:20])
    evaluate(other, EvaluateOptions(data_root=toy.data, reuse=(toy.run_dir,)))
    assert "62 answers taken over" in capsys.readouterr().err
    assert len(read_predictions(other / path.relative_to(toy.run_dir)).predictions) == len(lines)


def test_a_folder_that_is_no_run_is_refused(toy, tmp_path):
    with pytest.raises(CvitBenchError, match=r"manifest\.json"):
        evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, reuse=(tmp_path,)))
    assert not (toy.run_dir / "predictions").exists()
