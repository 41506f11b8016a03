"""Answers of other tools become a run directory with the scores that the same answers have at home."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cvit_bench.cli.main import app
from cvit_bench.cli.report import report
from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.compare import compare
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.interop.importing import import_run
from cvit_bench.interop.imports.coin import reported
from cvit_bench.interop.labels import Labels
from cvit_bench.interop.placing import About
from cvit_bench.records.entry import Entry
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import load_manifest
from cvit_bench.report.adding import add_entry
from cvit_bench.report.leaderboard import build_leaderboard
from cvit_bench.report.run_report import write_run_report
from tests.conftest import RIGHT, STAGES, TASKS
from tests.interop.conftest import lines, rows_of

FORMATS = ("coin", "mcitlib", "vlmevalkit", "lmms_eval")


@pytest.mark.parametrize("format_", FORMATS)
def test_the_scores_are_those_of_the_same_answers_at_home(imported, trees, toy, format_):
    run_dir, notes = imported(format_, getattr(trees, format_)())
    found = rescore(run_dir, toy.data)
    wanted = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    assert (found.matrices.S, found.matrices.F) == (wanted.matrices.S, wanted.matrices.F)
    right = tuple(tuple(25.0 * num for num in RIGHT[stage]) for stage in STAGES)
    assert right == found.matrices.S
    for name in ("ap", "map", "bwt_tm1", "forgetting", "mif", "unseen"):
        mine, theirs = found.metric(name), wanted.metric(name)
        assert (mine.value, mine.ci_low, mine.ci_high) == (theirs.value, theirs.ci_low, theirs.ci_high)
    assert "64 answers of 16 cells" in notes[-1]
    assert found.variants == ("imported",)
    assert found.task_identity == "unknown"


def test_smolora_trees_fill_the_lower_triangle_and_the_unseen_tasks(imported, trees, toy):
    run_dir, _ = imported("smolora", trees.smolora(), About(task_identity="oracle"))
    found = rescore(run_dir, toy.data)
    assert found.matrices.S[0] == (None,) * 4
    assert found.matrices.S[1] == (100.0, None, None, None)
    assert found.matrices.S[3] == tuple(25.0 * right for right in RIGHT[STAGES[3]])
    assert found.metric("bwt_tm1").value is not None
    assert found.task_identity == "oracle"


def test_chunk_files_serve_for_the_merged_one(imported, trees, toy):
    run_dir, _ = imported("coin", trees.coin(chunks=3))
    assert rescore(run_dir, toy.data).matrices.S[3] == tuple(25.0 * n for n in RIGHT[STAGES[3]])


def test_documents_with_ids_need_no_order(imported, trees, toy):
    path = trees.lmms_eval(with_ids=True)
    file = next(path.rglob("*_samples_pick.jsonl"))
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
    run_dir, _ = imported("lmms_eval", path)
    assert rescore(run_dir, toy.data).matrices.S[2][1] == 100.0


def test_xlsx_tables(imported, trees, toy):
    run_dir, _ = imported("vlmevalkit", trees.vlmevalkit("xlsx"))
    assert rescore(run_dir, toy.data).matrices.S[1][0] == 100.0


def test_another_order_and_names_of_ones_own(imported, trees, toy):
    path = trees.coin()
    (path / "PICK").rename(path / "Choice")
    about = About(order=("pick", "count", "fruit"), task_names={"Choice": "pick"})
    run_dir, _ = imported("coin", path, about)
    assert [stage.tasks for stage in load_manifest(run_dir).stages] == [("pick",), ("count",), ("fruit",)]
    assert rescore(run_dir, toy.data).metric("bwt_tm1").value is not None


def test_joint_rows_are_a_run_of_their_own(imported, trees, toy, tmp_path):
    path = trees.coin()
    for task in TASKS:
        folder = path / task.upper()
        (folder / "Multitask").mkdir()
        last = "Finetune" if task == "count" else "Count"
        (folder / "Multitask" / "merge.jsonl").write_text((folder / last / "merge.jsonl").read_text())
    _, notes = imported("coin", path)
    assert sum("skipped" in note for note in notes) == 4
    joint = tmp_path / "joint"
    import_run("coin", path, toy.suite, joint, About(learned="multitask"), toy.data)
    found = rescore(joint, toy.data)
    assert len(found.stages) == 2
    assert found.matrices.S[1] == tuple(25.0 * right for right in RIGHT[STAGES[3]])


def test_images_are_not_needed(imported, trees, toy):
    for picture in toy.data.rglob("*.png"):
        picture.unlink()
    run_dir, _ = imported("coin", trees.coin())
    assert rescore(run_dir, toy.data).metric("ap").ci_low is not None


def test_reported_scores_are_kept_beside_ours(imported, trees, toy):
    path = trees.coin()
    (path / "FRUIT" / "Finetune" / "Result.text").write_text("Samples: 4\nAccuracy: 98.50%\n")
    run_dir, _ = imported("coin", path)
    found = rescore(run_dir, toy.data)
    origin = found.provenance["trained_with"]["imported"]
    assert origin == {"format": "coin", "from": "theirs", "reported": {"01-fruit": {"fruit": 98.5}}}


def test_reports_alone_make_a_matrix_without_samples(imported, trees, tmp_path, toy):
    path = trees.coin()
    for file in list(path.rglob("merge.jsonl")):
        (file.parent / "Result.text").write_text(
            "Total: 4, Correct: 2, Accuracy: 50.00%, IMG-Accuracy: 40.00%"
        )
        file.unlink()
    run_dir, notes = imported("coin", path)
    assert "16 scores without samples" in notes[-1]
    assert rescore(run_dir, toy.data).metric("ap").value == 50.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Samples: 4000\nAccuracy: 49.99%\n", 49.99),
        ("Total: 4241, Correct: 2117, Accuracy: 49.92%, IMG-Accuracy: 51.20%", 49.92),
        ("IMG-Accuracy: 51.20%", None),
        ("Binary: 70.1%\nOpen: 40.2%\nAccuracy: 56.4%\n", 56.4),
        ("", None),
    ],
)
def test_reported_accuracies(tmp_path, text, value):
    (tmp_path / "Result.text").write_text(text)
    assert reported(tmp_path / "Result.text") == value


class TestMatrix:
    """Scores typed by hand."""

    TEXT = "stage,Fruit,pick,Count,yesno\nbase,25,0,0,50\nfruit,100,,,\npick,50,100,,\ncount,25,75,100%,0\n"

    @pytest.fixture
    def run_dir(self, imported, tmp_path):
        (tmp_path / "typed.csv").write_text(self.TEXT)
        return imported("matrix", tmp_path / "typed.csv", About(method="theirs", title="Their method"))[0]

    def test_metrics_have_values_and_no_interval(self, run_dir, toy):
        found = rescore(run_dir, toy.data)
        ap, bwt = found.metric("ap"), found.metric("bwt_tm1")
        assert ap.value == pytest.approx((25 + 75 + 100) / 3)
        assert bwt.value == pytest.approx(((25 - 100) + (75 - 100)) / 2)
        assert {ap.ci_low, ap.ci_high, ap.n, bwt.ci_low} == {None}
        assert "without samples" in found.metric("mif").reason
        assert [task.n for task in found.tasks] == [None] * 4

    def test_tasks_without_a_column_are_named(self, imported, tmp_path, toy):
        (tmp_path / "typed.csv").write_text("stage,fruit,pick\nfruit,100,\npick,50,100\n")
        found = rescore(imported("matrix", tmp_path / "typed.csv", About())[0], toy.data)
        assert found.metric("bwt_tm1").reason == "trained, but never asked: count"

    def test_its_report_needs_no_samples(self, run_dir, toy, capsys):
        rescore(run_dir, toy.data)
        report(run_dir, data_root=toy.data)
        assert capsys.readouterr().err == "the report shows no samples: the scores came without any\n"

    def test_report_and_leaderboard_take_it_and_rank_it_with_nothing(self, run_dir, toy, tmp_path):
        rescore(run_dir, toy.data)
        page = write_run_report(run_dir).read_text("utf-8")
        assert "66.7" in page
        assert "Scores without samples, made elsewhere" in page
        entry = load_json(add_entry(run_dir, tmp_path / "boards"), Entry)
        assert entry.kind == "published"
        rescore_of = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
        assert rescore_of.metric("ap").value == pytest.approx(ap_of(RIGHT[STAGES[3]]))
        add_entry(toy.run_dir, tmp_path / "boards")
        runs, rest = build_leaderboard(tmp_path / "boards", "toy").split('id="published"')
        assert "Their method" in rest
        assert "Their method" not in runs

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "stage,fruit\nfruit,x\n",
                r"typed\.csv:2: fruit: expected a percentage, or CIDEr × 100, from 0 to 1000 \(got 'x'\)",
            ),
            ("stage,fruit\nfruit,nan\n", r"typed\.csv:2: fruit: expected a percentage"),
            ("stage,fruit\nfruit,1,2\n", r"typed\.csv:2: 2 cells for 1 tasks"),
            ("stage,fruit,fruit\nfruit,1,2\n", r"typed\.csv:1: fruit: stands twice"),
            ("stage,fruti\nfruit,1\n", r"task 'fruti': unknown task .*Did you mean 'fruit'"),
            ("stage,fruit\nplum,1\n", r"unknown stage 'plum' \(known: .*--stage plum=TASK"),
            ("stage,fruit\nfruit,1\nFruit,2\n", r"stage 01-fruit, task fruit: so is"),
            ("stage,fruit\nbase,1\nbase,2\n", r"typed\.csv:3: base: stands twice"),
            ("stage,fruit, fruit\nfruit,1,2\n", r"typed\.csv:1: fruit: stands twice"),
            ("stage,fruit\nfruit,1e300\n", r"typed\.csv:2: fruit: expected a percentage"),
            ("stage,fruit\nfruit,-1\n", r"typed\.csv:2: fruit: expected a percentage"),
            ("stage,fruit\nfruit,1_0\n", r"typed\.csv:2: fruit: expected a percentage"),
            ("stage,fruit\nfruit,\u0661\n", r"typed\.csv:2: fruit: expected a percentage"),
            ('stage,fruit\nfruit,"1\n2"\n', r"typed\.csv:3: fruit: expected a percentage"),
            ('stage,fruit\nfruit,"1\n', r"typed\.csv:2: not a line of a csv file"),
            ("stage\n", r"expected a line of tasks"),
        ],
    )
    def test_faults_name_file_and_line(self, imported, tmp_path, text, said):
        (tmp_path / "typed.csv").write_text(text)
        with pytest.raises(CvitBenchError, match=said):
            imported("matrix", tmp_path / "typed.csv")
        assert not (tmp_path / "runs" / "matrix").exists()


def ap_of(right):
    return 25.0 * sum(right[:3]) / 3


def test_an_imported_run_joins_report_and_leaderboard(imported, trees, toy, tmp_path):
    run_dir, _ = imported("coin", trees.coin(), About(title="Their answers"))
    rescore(run_dir, toy.data)
    page = write_run_report(run_dir).read_text("utf-8")
    assert "Their answers" in page
    assert "Answers of another tool" in page
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    for one in (run_dir, toy.run_dir):
        add_entry(one, tmp_path / "boards")
    assert "Their answers" in build_leaderboard(tmp_path / "boards", "toy")


def test_nothing_more_can_be_asked_of_it(imported, trees, toy):
    run_dir, _ = imported("coin", trees.coin())
    with pytest.raises(CvitBenchError, match="imported answers without checkpoints"):
        evaluate(run_dir, EvaluateOptions(data_root=toy.data))


def test_a_run_directory_that_is_there_stays(imported, trees, tmp_path):
    path = trees.coin()
    run_dir, _ = imported("coin", path)
    before = sorted(run_dir.rglob("*"))
    with pytest.raises(CvitBenchError, match="is there already"):
        imported("coin", path)
    assert sorted(run_dir.rglob("*")) == before


def test_the_command(trees, toy, tmp_path):
    words = ["import", "coin", str(trees.coin()), "--suite", toy.suite, "--data-root", str(toy.data)]
    done = CliRunner().invoke(app, [*words, "--run-dir", str(tmp_path / "run"), "--task", "FRUIT=fruit"])
    assert done.exit_code == 0, done.output
    assert "64 answers of 16 cells" in done.stdout
    with pytest.raises(CvitBenchError, match="--task FRUIT: expected LABEL=NAME"):
        CliRunner().invoke(
            app, [*words, "--run-dir", str(tmp_path / "b"), "--task", "FRUIT"], catch_exceptions=False
        )
    with pytest.raises(CvitBenchError, match=r"unknown import format 'coyn'.*Did you mean 'coin'"):
        CliRunner().invoke(app, ["import", "coyn", *words[2:], "--run-dir", "b"], catch_exceptions=False)


def test_two_imported_runs_are_compared_in_pairs(imported, trees, toy, tmp_path):
    first, _ = imported("coin", trees.coin())
    second = tmp_path / "second"
    import_run("mcitlib", trees.mcitlib(), toy.suite, second, About(), toy.data)
    for run_dir in (first, second):
        rescore(run_dir, toy.data)
    found = compare(first, second)
    ap = next(metric for metric in found.metrics if metric.id == "ap")
    assert ap.change.value == 0.0


def test_prompts_of_the_suite_itself_make_pairs_with_runs_of_ours(imported, trees, toy):
    path = trees.coin()
    for file in path.rglob("merge.jsonl"):
        rows = rows_of(file)
        lines(
            file,
            [row | {"prompt": f"<image>\n{row['prompt'].split('?')[0]}?\nAnswer  shortly."} for row in rows],
        )
    run_dir, _ = imported("coin", path)
    assert rescore(run_dir, toy.data).variants == ("v0",)
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    found = compare(toy.run_dir, run_dir)
    ap = next(metric for metric in found.metrics if metric.id == "ap")
    assert (ap.change.value, ap.change.ci_low is None) == (0.0, False)


def test_a_typed_matrix_is_compared_without_intervals(imported, toy, tmp_path):
    (tmp_path / "typed.csv").write_text(TestMatrix.TEXT)
    run_dir, _ = imported("matrix", tmp_path / "typed.csv")
    rescore(run_dir, toy.data)
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    found = compare(run_dir, toy.run_dir)
    ap = next(metric for metric in found.metrics if metric.id == "ap")
    assert (ap.change.ci_low, ap.first) == (None, pytest.approx(200 / 3))


@pytest.mark.parametrize(
    ("suite", "names"),
    [
        ("coin", "ScienceQA TextVQA ImageNet GQA VizWiz Grounding VQAv2 OCRVQA"),
        ("cvit", "ScienceQA TextVQA Flickr30k ImageNet GQA VQAv2 VizWiz Textcaps OCRVQA Places365"),
        ("ucit", "ImageNet-R ArxivQA VizWiz IconQA CLEVR-Math Flickr30k"),
    ],
)
def test_folders_of_the_published_trees_are_known(suite, names):
    library, found = open_suite(suite)
    labels = Labels(found, {name: library.task(name) for name in found.tasks}, found.train)
    assert [labels.task(name, Path()) for name in names.split()] == list(found.tasks)
    assert labels.stage("task2", found.train[0], Path()) == found.train[1]
