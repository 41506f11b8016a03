"""A model that answers elsewhere is asked like one here; work is cut into parts with files of their own."""

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.pacing import Pacer
from cvit_bench.evaluate.remote_model import AbandonedError, RemoteModel
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate, outstanding, prepare, ranks, replay_stage
from cvit_bench.evaluate.worker import Worker
from cvit_bench.models.family import Checkpoint, Placement
from cvit_bench.records.choices import Executor, SplitChoice


def written(run_dir):
    files = [path for path in sorted((run_dir / "predictions").rglob("*.json*")) if path.name != "plan.json"]
    return {path.relative_to(run_dir): path.read_bytes() for path in files}


def work_of(run_dir, options):
    inputs, base, stages, plan = prepare(run_dir, options)
    return base, outstanding(inputs, stages, plan, "float32", ranks(base, options))


def test_parts_asked_of_a_worker_backwards_give_the_bytes_of_one_process(toy, copy_toy):
    options = EvaluateOptions(batch_size=3, data_root=toy.data, variants=None)
    other = copy_toy("other")
    evaluate(toy.run_dir, options)
    base, work = work_of(other, options)
    parts = [part for stage in work for part in stage.by_task()]
    assert len(parts) == 4 * 4
    assert sum(part.num_missing for part in parts) == sum(stage.num_missing for stage in work)
    assert sum(part.num_unranked for part in parts) == sum(stage.num_unranked for stage in work)
    worker = Worker(base, options.placement)
    assert worker.open() is None
    pacer = Pacer(other, SplitChoice.TEST, {})
    for part in reversed(parts):
        assert replay_stage(part, RemoteModel(worker), BatchSize(3), pacer) == []
    assert written(other) == written(toy.run_dir)


def test_a_worker_says_what_is_wrong_with_base_and_checkpoint(toy, tmp_path):
    assert f"{tmp_path}: no config.json" in Worker(tmp_path, Placement()).open()
    unopened = RemoteModel(Worker(toy.root / "base", Placement()))
    with pytest.raises(CvitBenchError, match="no checkpoint is in place"):
        unopened.generate([])
    unopened.use(Checkpoint("00-base", None, "base"))
    with pytest.raises(AbandonedError, match="was not opened"):
        unopened.generate([])


def test_a_worker_outlives_a_checkpoint_that_breaks_its_model(toy):
    worker = Worker(toy.root / "base", Placement())
    assert worker.open() is None
    outcome, said = worker.ask(Checkpoint("01-fruit", 5, "adapter"), "generate", ([],))
    assert outcome == "unfit"
    assert said.startswith(("TypeError: ", "AttributeError: "))
    assert worker.ask(Checkpoint("00-base", None, "base"), "generate", ([],)) == ("done", [])


def test_without_ray_the_message_names_what_brings_it(toy):
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(CvitBenchError, match=r"pip install cvit-bench\[ray\]"):
            evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, executor=Executor.RAY))
    else:
        pytest.skip("Ray is installed here")
