"""A Ray cluster of two nodes on this machine: the same bytes as one process, also when a node dies."""

import threading
import time

import pytest

from cvit_bench.errors import CvitBenchError, IncompleteRunError
from cvit_bench.evaluate import shards
from cvit_bench.evaluate.ray_executor import _Crew
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import Executor

ray = pytest.importorskip("ray", reason="Ray is not installed (pip install cvit-bench[ray])")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster():
    """A cluster whose head has room for one worker; tests add nodes."""
    from ray.cluster_utils import Cluster

    found = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20},
    )
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


def options(toy, **more):
    return EvaluateOptions(batch_size=2, data_root=toy.data, variants=None, **more)


def written(run_dir):
    files = sorted((run_dir / "predictions").rglob("*.jsonl"))
    return {path.relative_to(run_dir): path.read_bytes() for path in files}


def test_two_nodes_write_the_bytes_of_one_process(toy, copy_toy, second, capsys):
    other = copy_toy("other")
    local = evaluate(toy.run_dir, options(toy))
    found = evaluate(other, options(toy, executor=Executor.RAY))
    assert "on 2 Ray workers" in capsys.readouterr().err
    assert written(other) == written(toy.run_dir)
    assert found.matrices == local.matrices


def test_shards_of_a_node_that_dies_are_answered_by_the_other(
    toy, copy_toy, cluster, second, capsys, monkeypatch
):
    opened = []
    give = _Crew._give
    monkeypatch.setattr(_Crew, "_give", lambda crew, worker: (opened.append(worker), give(crew, worker)))
    monkeypatch.setattr(shards, "SHARD_PROMPTS", 8)
    evaluate(toy.run_dir, options(toy))
    other = copy_toy("other")
    for stage in ("00-base", "01-fruit", "02-pick", "03-count"):
        toy.edit_script(stage, delay=0.2)
    slow = copy_toy("slow")

    def kill():
        while len(set(opened)) < 2:
            time.sleep(0.02)
        time.sleep(0.2)
        cluster.remove_node(second, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    evaluate(slow, options(toy, executor=Executor.RAY))
    killer.join()
    assert "a Ray worker was lost" in capsys.readouterr().err
    texts = {
        path: [line.split(b'"key"')[0] for line in data.splitlines()] for path, data in written(slow).items()
    }
    wanted = {
        path: [line.split(b'"key"')[0] for line in data.splitlines()]
        for path, data in written(toy.run_dir).items()
    }
    assert texts == wanted
    assert other


def test_a_broken_sample_is_an_error_and_a_broken_checkpoint_a_message(toy, cluster):
    toy.edit_script("00-base", fails=["fruit/fruit-test-1"])
    with pytest.raises(IncompleteRunError, match="fruit-test-1: RuntimeError: scripted failure"):
        evaluate(toy.run_dir, options(toy, executor=Executor.RAY))
    toy.edit_script("00-base", fails=[])
    toy.script("01-fruit").write_text("{")
    with pytest.raises(CvitBenchError, match=r"scripted.json"):
        evaluate(toy.run_dir, options(toy, executor=Executor.RAY))


def test_an_address_without_a_cluster_is_a_message(toy):
    ray.shutdown()
    with pytest.raises(CvitBenchError, match=r"--ray-address 127.0.0.1:1: no Ray cluster there"):
        evaluate(toy.run_dir, options(toy, executor=Executor.RAY, ray_address="127.0.0.1:1"))
