"""A Ray cluster of two nodes on this machine: the same bytes as one process, also when a node dies."""

import threading
import time

import pytest

from cvit_bench.cli.train import run_training
from cvit_bench.errors import CvitBenchError, IncompleteRunError
from cvit_bench.evaluate.ray_executor import _Crew
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import Executor

ray = pytest.importorskip("ray", reason="Ray is not installed (pip install cvit-bench[ray])")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STAGES = ("00-base", "01-fruit", "02-pick", "03-count")


@pytest.fixture(scope="module")
def cluster():
    """A cluster whose head has room for one worker; tests add nodes."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    found = Cluster(initialize_head=True, head_node_args=head)
    ray.init(address=found.address, log_to_driver=False, logging_level="ERROR")
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def second(cluster):
    """A second node, with room for one worker more."""
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    cluster.wait_for_nodes()
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def options(toy, executor=Executor.RAY, **more):
    return EvaluateOptions(batch_size=2, data_root=toy.data, variants=None, executor=executor, **more)


def written(run_dir):
    files = [path for path in sorted((run_dir / "predictions").rglob("*.json*")) if path.name != "plan.json"]
    return {path.relative_to(run_dir): path.read_bytes() for path in files}


def test_two_nodes_write_the_bytes_of_one_process(toy, copy_toy, second, capsys):
    other = copy_toy("other")
    local = evaluate(toy.run_dir, options(toy, Executor.LOCAL))
    found = evaluate(other, options(toy))
    assert "16 parts on 2 workers" in capsys.readouterr().err
    assert written(other) == written(toy.run_dir)
    assert len(written(other)) > len(STAGES)
    assert found.matrices == local.matrices


def test_what_a_node_that_dies_was_asked_is_asked_again(toy, copy_toy, cluster, second, capsys, monkeypatch):
    for stage in STAGES:
        toy.edit_script(stage, delay=0.1)
    other = copy_toy("other")
    evaluate(toy.run_dir, options(toy, Executor.LOCAL))
    hired = []
    count = _Crew.count
    monkeypatch.setattr(_Crew, "count", lambda crew, change: (hired.append(change), count(crew, change)))

    def kill():
        while sum(hired) < 2:
            time.sleep(0.02)
        time.sleep(0.3)
        cluster.remove_node(second, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    evaluate(other, options(toy))
    killer.join()
    assert "Ray: a worker was lost" in capsys.readouterr().err
    assert written(other) == written(toy.run_dir)


def test_a_broken_sample_is_an_error_and_a_broken_checkpoint_a_message(toy, cluster):
    toy.edit_script("00-base", fails=["fruit/fruit-test-1"])
    with pytest.raises(IncompleteRunError, match="fruit-test-1: RuntimeError: scripted failure"):
        evaluate(toy.run_dir, options(toy))
    toy.edit_script("00-base", fails=[])
    toy.script("01-fruit").write_text("{")
    with pytest.raises(CvitBenchError, match=r"01-fruit/scripted.json"):
        evaluate(toy.run_dir, options(toy))


def test_a_model_in_an_actor_answers_and_ranks_like_one_here(pair, cluster, tmp_path):
    small = ["training.steps=1", "training.batch_size=2"]
    for name in ("here", "there"):
        run_training("branchlora", pair, tmp_path / name, overrides=small, limit=4, device="cpu")
    for name, executor in (("here", Executor.LOCAL), ("there", Executor.RAY)):
        evaluate(tmp_path / name, EvaluateOptions(limit=3, batch_size=2, executor=executor))
    assert written(tmp_path / "there") == written(tmp_path / "here")


def test_an_address_without_a_cluster_is_a_message(toy):
    ray.shutdown()
    with pytest.raises(CvitBenchError, match=r"--ray-address 127.0.0.1:1: no Ray cluster to be had"):
        evaluate(toy.run_dir, options(toy, ray_address="127.0.0.1:1"))
