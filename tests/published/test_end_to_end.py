"""Train, evaluate and report on the miniatures of CVIT and CoIN, with the embedded model: the real suites."""

import pytest

from cvit_bench.cli.report import sample_source
from cvit_bench.cli.train import run_training
from cvit_bench.data.library import open_suite
from cvit_bench.data.split_files import files_of
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import CellChoice
from cvit_bench.records.files import sha256_file
from cvit_bench.report.run_report import write_run_report

SHORT = (
    "training.steps=1", "training.batch_size=2", "training.micro_batch=2", "training.checkpointing=false",
    "adapter.rank=8", "adapter.alpha=16",
)  # fmt: skip


@pytest.fixture(scope="module", params=[("cvit", "smolora"), ("coin", "lora")], ids=["cvit", "coin"])
def finished(request, shared_root, tmp_path_factory):
    """A run that was trained and evaluated on a miniature, and its results."""
    suite, method = request.param
    run_dir = tmp_path_factory.mktemp(suite) / method
    options = {"base": "embedded:mini", "overrides": SHORT, "data_root": shared_root}
    manifest = run_training(method, suite, run_dir, **options)
    results = evaluate(run_dir, EvaluateOptions(cells=CellChoice.FINAL, data_root=shared_root))
    return suite, run_dir, manifest, results


def test_every_task_is_learned_and_every_task_asked(finished):
    name, _, manifest, results = finished
    _, suite = open_suite(name)
    learned = [task for stage in manifest.stages if stage.shots is None for task in stage.tasks]
    assert learned == list(suite.train)
    assert [task.name for task in results.tasks] == list(suite.tasks)
    assert None not in results.matrices.S[-1]
    assert [one.shots for one in results.few_shot] == ([5, 10] if name == "cvit" else [])


def test_prompts_are_those_of_the_data(finished):
    name, run_dir, _, _ = finished
    (answers,) = (run_dir / "predictions").glob(f"*/{name}_gqa/v0.jsonl")
    assert "Is it red?\\nSay it in a word." in answers.read_text()


def test_results_name_the_files_they_come_from_by_their_hash(finished, shared_root):
    name, _, _, results = finished
    pinned = results.provenance["data"][f"{name}_textvqa"]
    library, _ = open_suite(name)
    named = dict(files_of(library.task(f"{name}_textvqa"), "test", shared_root).named())
    assert pinned == {file: sha256_file(path) for file, path in named.items()}
    assert len(pinned) == 2


def test_released_scores_stand_beside_the_strict_ones(finished):
    name, _, _, results = finished
    assert results.released.scorers[f"{name}_scienceqa"] == "scienceqa"
    assert None not in results.released.S[-1]


def test_scoring_again_gives_the_same_and_the_report_is_written(finished, shared_root):
    _, run_dir, _, results = finished
    assert rescore(run_dir, shared_root) == results
    page = write_run_report(run_dir, sample_source(run_dir, shared_root))
    assert "TextVQA" in page.read_text()
