"""Two scripted runs compared: what changed by hand, and every way in which what was asked can differ."""

import json
import shutil

import pytest
import yaml

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.compare import compare
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.metrics.paired import mcnemar
from cvit_bench.records.entry import entry_of
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.results import Results, results_path

LAST = "03-count"


@pytest.fixture
def two(toy, copy_toy):
    """The toy run, and one whose last stage answers three of four fruits right instead of one."""
    other = copy_toy("other")
    script = other / LAST / "scripted.json"
    content = json.loads(script.read_text())
    content["answers"] |= {"fruit/fruit-test-1": "pear", "fruit/fruit-test-2": "plum"}
    content["answers"]["count/count-test-0"] = "9"
    script.write_text(json.dumps(content))
    return toy.run_dir, other


def _evaluated(toy, *runs, **options):
    for run in runs:
        evaluate(run, EvaluateOptions(data_root=toy.data, **options))


def test_what_changed_by_hand(toy, two):
    _evaluated(toy, *two)
    found = compare(*two)
    tasks = {task.task: task for task in found.tasks}
    assert [(t.first, t.second, t.change.value) for t in found.tasks] == [
        (25, 75, 50), (75, 75, 0), (100, 75, -25), (0, 0, 0)
    ]  # fmt: skip
    assert (tasks["fruit"].test.gained, tasks["fruit"].test.lost) == (2, 0)
    assert (tasks["count"].test.gained, tasks["count"].test.lost) == (0, 1)
    assert tasks["fruit"].test.p == mcnemar(0, 2) == 0.5
    assert all(task.test.test == "mcnemar" and task.test.p_holm == 1 for task in found.tasks)
    assert all(task.test.items == task.test.clusters == 4 for task in found.tasks)
    metrics = {metric.id: metric for metric in found.metrics}
    assert metrics["ap"].change.value == pytest.approx((50 - 25) / 3, abs=1e-5)
    assert metrics["bwt_tm1"].change.value == pytest.approx(50 / 2)
    for row in (*found.tasks, *(metric for metric in found.metrics if metric.change)):
        assert row.change.ci_low <= row.change.value <= row.change.ci_high
        assert row.change.ci_low < row.change.ci_high
        assert row.change.detectable > 0
    flips = [(flip.task, flip.id, flip.first, flip.second) for flip in found.flips]
    assert flips == [
        ("fruit", "fruit-test-1", 0, 100),
        ("fruit", "fruit-test-2", 0, 100),
        ("count", "count-test-0", 100, 0),
    ]
    assert (found.flips[2].first_text, found.flips[2].second_text) == ("1", "9")
    assert found.notes == ()


def test_the_other_way_round_is_the_same_with_its_sign_changed(toy, two):
    _evaluated(toy, *two)
    there, back = compare(*two), compare(*reversed(two))
    for one, other in zip((*there.tasks, *there.metrics), (*back.tasks, *back.metrics), strict=True):
        if one.change is not None:
            assert one.change.value == -other.change.value
            assert one.change.ci_low == pytest.approx(-other.change.ci_high, abs=6)
    assert [one.test.p for one in there.tasks] == [other.test.p for other in back.tasks]


def test_the_same_runs_give_the_same_bytes(toy, two):
    _evaluated(toy, *two)
    assert compare(*two).model_dump_json() == compare(*two).model_dump_json()


def test_wordings_of_a_sample_are_one_cluster(toy, two):
    """Three wordings make twelve items of four pictures, and no better evidence than the four."""
    _evaluated(toy, *two, variants=None)
    found = {task.task: task.test for task in compare(*two).tasks}
    assert (found["fruit"].items, found["fruit"].clusters) == (12, 4)
    assert found["fruit"].test == "permutation"
    assert found["fruit"].p == 0.5  # two pictures, both gained: 2 of 4 sign changes are as far


def test_the_order_of_the_samples_does_not_matter(toy, two):
    _evaluated(toy, *two)
    before = compare(*two)
    path = toy.data / "fruit" / "test.jsonl"
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    _evaluated(toy, two[1])
    after = compare(*two)
    assert after == before


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("answers", {"answers": ["kiwi"]}),
        ("question", {"question": "What else is it?"}),
        ("image", {"image": "test-3.png"}),
    ],
)
def test_something_else_was_asked(toy, two, what, change):
    _evaluated(toy, two[0])
    path = toy.data / "fruit" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1] |= change
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _evaluated(toy, two[1])
    with pytest.raises(CvitBenchError, match=rf"task fruit: {what}: differs in 1 of 4 .*v0/fruit-test-1"):
        compare(*two)


def test_another_wording(toy, two):
    _evaluated(toy, two[0])
    path = toy.root / "instruction_templates" / "fruit.yaml"
    template = yaml.safe_load(path.read_text())
    template["variants"][0]["text"] = "{{ question }} Be quick."
    path.write_text(yaml.safe_dump(template))
    _evaluated(toy, two[1])
    with pytest.raises(CvitBenchError) as caught:
        compare(*two)
    assert "task fruit: prompt: differs in 4 of 4 items" in str(caught.value)
    assert "pick" not in str(caught.value)


def test_fewer_samples_and_more_wordings(toy, two):
    _evaluated(toy, two[0], variants=2)
    _evaluated(toy, two[1], limit=3)
    with pytest.raises(CvitBenchError, match=r"task fruit: 5 of 8 items .*only in .*scripted"):
        compare(*two)


def test_another_scorer(toy, two):
    _evaluated(toy, two[0])
    toy.edit("tasks/count.yaml", scorer="option_letter", answer_form="option_letter", form={"letters": "AB"})
    toy.edit("instruction_templates/count.yaml", answer_form="option_letter")
    _evaluated(toy, two[1])
    with pytest.raises(CvitBenchError, match="task count: scorer: number and option_letter"):
        compare(*two)


def test_another_suite(toy, two):
    _evaluated(toy, *two)
    path = results_path(two[1])
    save_json(path, load_json(path, Results).model_copy(update={"suite_version": 2}))
    with pytest.raises(CvitBenchError, match="suite_version: 1 and 2"):
        compare(*two)


def test_an_entry_has_no_samples(toy, two, tmp_path):
    _evaluated(toy, *two)
    entry = tmp_path / "entry.json"
    save_json(entry, entry_of(load_json(results_path(two[1]), Results)))
    found = compare(two[0], entry)
    assert "entry.json: whether both answered the same can't be checked" in found.notes[-1]
    assert found.flips == ()
    assert all(row.test is None for row in found.tasks)
    changes = [row.change for row in (*found.tasks, *found.metrics) if row.change]
    assert changes
    assert all(change.ci_low is change.detectable is None for change in changes)
    assert found.tasks[0].change.value == 50


def test_a_run_without_items_is_told_how_to_make_them(toy, two):
    _evaluated(toy, *two)
    shutil.rmtree(two[1] / "items")
    assert "no items beside the results of" in compare(*two).notes[-1]


def test_damaged_items_are_one_message(toy, two):
    _evaluated(toy, *two)
    (two[1] / "items" / "fruit.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CvitBenchError, match=r"fruit\.parquet: no table of items .*cvit-bench score"):
        compare(*two)


def test_items_without_the_fields_that_matrices_need(toy, two):
    import pyarrow.parquet as pq

    _evaluated(toy, *two)
    path = two[1] / "items" / "fruit.parquet"
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"cvit_bench"])
    about["fields"].remove("form")
    pq.write_table(table.replace_schema_metadata({b"cvit_bench": json.dumps(about).encode()}), path)
    with pytest.raises(CvitBenchError, match=r"no table of items .*no field form"):
        compare(*two)


def test_an_entry_whose_matrix_is_no_table(toy, two, tmp_path):
    _evaluated(toy, *two)
    entry = entry_of(load_json(results_path(two[1]), Results))
    ragged = entry.matrices.model_copy(update={"S": entry.matrices.S[:-1]})
    path = tmp_path / "entry.json"
    save_json(path, entry.model_copy(update={"matrices": ragged}))
    with pytest.raises(CvitBenchError, match=r"entry\.json: matrices\.S: 3 rows for 4 stages"):
        compare(two[0], path)


def test_an_incomplete_run_is_compared_where_both_were_asked(toy, two):
    """A shorter sequence has other stages, and the last one of each is compared."""
    manifest = two[1] / "manifest.json"
    content = json.loads(manifest.read_text())
    content["stages"] = content["stages"][:2]
    manifest.write_text(json.dumps(content))
    _evaluated(toy, *two)
    found = compare(*two)
    assert [(task.first, task.second) for task in found.tasks] == [(25, 50), (75, 100), (100, 25), (0, 25)]
    backward = next(metric for metric in found.metrics if metric.id == "bwt_tm1")
    assert backward.change is None
    assert "2 of 3 tasks" in backward.reason


def test_knowledge_of_two_measures_has_no_change(toy, two):
    """Ranked in one run, lenient in the other: the difference would be that of the measures."""
    _evaluated(toy, *two)
    path = results_path(two[1])
    results = load_json(path, Results)
    tasks = [task.model_copy(update={"knowledge": "lenient (no likelihoods)"}) for task in results.tasks[:1]]
    save_json(path, results.model_copy(update={"tasks": (*tasks, *results.tasks[1:])}))
    found = compare(*two)
    assert found.notes == ("K is not measured alike in both runs: fruit",)
    for metric in found.metrics:
        if "K" in plugins.load(plugins.METRICS, metric.id).MATRIX:
            assert metric.change is None
            assert metric.reason == found.notes[0]
    assert next(metric for metric in found.metrics if metric.id == "ap").change is not None


def test_what_else_differs_is_noted(toy, two):
    manifest = two[1] / "manifest.json"
    content = json.loads(manifest.read_text()) | {"task_identity": "oracle", "method": "other", "seed": 3}
    manifest.write_text(json.dumps(content))
    _evaluated(toy, *two)
    assert compare(*two).notes == (
        "method: scripted and other", "task_identity: none and oracle", "seeds: none and 3"
    )  # fmt: skip
