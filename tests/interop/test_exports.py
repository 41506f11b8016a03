"""Exports say what the run says, are read back by what they are made for, and run nothing."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cvit_bench import plugins
from cvit_bench.cli.main import app
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.interop.exporting import export_run
from cvit_bench.interop.exports import csv as csv_tables
from cvit_bench.interop.exports import latex, model_card
from cvit_bench.interop.importing import import_run
from cvit_bench.interop.placing import About
from cvit_bench.text import latex as latex_text
from cvit_bench.text import spreadsheet_cell
from tests.conftest import RIGHT, STAGES, TASKS, make_toy

PLAIN_TABLES = ("csv", "latex", "model_card")


@pytest.fixture
def done(toy):
    """Give the toy run, evaluated in two wordings."""
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=2))
    return toy


def test_every_format_has_what_the_command_needs():
    for name in plugins.names(plugins.EXPORTS):
        module = plugins.load(plugins.EXPORTS, name)
        assert module.TITLE
        assert isinstance(module.IS_FOLDER, bool)
    assert set(plugins.names(plugins.EXPORTS)) == {"lm_eval", "inspect", *PLAIN_TABLES}


class TestLmEval:
    """Results and samples as lm-eval writes them."""

    @pytest.fixture
    def out(self, done, tmp_path):
        export_run("lm_eval", done.run_dir, tmp_path / "out", done.data)
        return tmp_path / "out"

    def test_means_are_those_of_the_matrix(self, out):
        for stage in STAGES:
            found = json.loads((out / stage / "results_scripted.json").read_text())
            for task, right in zip(TASKS, RIGHT[stage], strict=True):
                assert found["results"][task]["strict,none"] == right / 4
                assert found["results"][task]["strict,none"] == found["results"][f"{task}@v1"]["strict,none"]
                assert found["n-samples"][task] == {"original": 4, "effective": 4}
                assert found["configs"][task]["metadata"]["variant"] == "v0"

    def test_samples_add_up_to_the_results(self, out):
        rows = [
            json.loads(line) for line in (out / STAGES[3] / "samples_pick.jsonl").read_text().splitlines()
        ]
        assert [row["doc_id"] for row in rows] == [0, 1, 2, 3]
        assert sum(row["strict"] for row in rows) == RIGHT[STAGES[3]][1]
        assert rows[0]["doc"]["id"] == "pick-test-0"
        assert rows[0]["arguments"]["gen_args_0"]["arg_0"].startswith("What is it, pick 0?")
        assert rows[0]["target"] == "A"
        assert len({row["doc_hash"] for row in rows}) == 4

    def test_the_standard_error_is_that_of_a_mean(self, out):
        found = json.loads((out / STAGES[1] / "results_scripted.json").read_text())["results"]["pick"]
        assert found["strict_stderr,none"] == pytest.approx((0.25 * 0.75 / 3) ** 0.5)

    def test_our_own_import_reads_its_samples(self, out, done, tmp_path):
        names = {"00-base": "base"} | {stage: stage.split("-")[1] for stage in STAGES[1:]}
        import_run("lmms_eval", _first_wording(out), done.suite, tmp_path / "back",
                   About(stage_names=names), done.data)  # fmt: skip
        assert (
            tuple(tuple(25.0 * right for right in RIGHT[stage]) for stage in STAGES)
            == rescore(tmp_path / "back", done.data).matrices.S
        )


def _first_wording(out: Path) -> Path:
    """Leave the first wording's samples, and in place of what was extracted what was said."""
    for file in out.rglob("samples_*.jsonl"):
        if "@" in file.name:
            file.unlink()
            continue
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(row | {"filtered_resps": row["resps"][0]}) + "\n" for row in rows))
    return out


class TestTables:
    """CSV, LaTeX and a model card."""

    def test_csv_tables_hold_every_cell_and_metric(self, done, tmp_path):
        export_run("csv", done.run_dir, tmp_path / "out")
        with (tmp_path / "out" / "matrix.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == 2 * len(STAGES) * len(TASKS)
        cell = next(row for row in rows if (row["stage"], row["task"]) == (STAGES[1], "fruit"))
        assert (cell["strict"], cell["n"]) == ("100.0", "4")
        with (tmp_path / "out" / "metrics.csv").open(newline="") as stream:
            metrics = {row["metric"]: row for row in csv.DictReader(stream)}
        assert float(metrics["bwt_tm1"]["value"]) < 0

    @pytest.mark.parametrize("hostile", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
    def test_no_cell_is_a_formula(self, done, hostile):
        results = rescore(done.run_dir, done.data).model_copy(update={"title": hostile})
        for text in (csv_tables.matrix_text(results), csv_tables.metrics_text(results)):
            for row in list(csv.reader(io.StringIO(text, newline="")))[1:]:
                assert row[1].startswith("'")

    def test_numbers_and_words_stay(self):
        assert spreadsheet_cell(-3.2) == -3.2
        assert spreadsheet_cell("a = b") == "a = b"
        assert spreadsheet_cell(None) is None

    def test_latex_prints_hostile_names_as_they_are(self, done):
        results = rescore(done.run_dir, done.data).model_copy(update={"title": r"\input{x} 50% & #1_^~$"})
        text = latex.tables(results)
        assert r"\input" not in text
        assert r"\textbackslash{}input\{x\} 50\% \& \#1\_\textasciicircum{}\textasciitilde{}\$" in text
        assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
        body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()[1:]
        assert [line.count(" & ") for line in body] == [len(TASKS)] * len(STAGES)
        assert "$100.0$" in body[1]

    def test_latex_text(self):
        assert latex_text("a\nb") == "a b"

    def test_a_model_card_is_read_back_by_the_hub_library(self, done, tmp_path):
        from huggingface_hub import ModelCard

        export_run("model_card", done.run_dir, tmp_path / "README.md")
        card = ModelCard((tmp_path / "README.md").read_text("utf-8"))
        values = {one.metric_type: one.metric_value for one in card.data.eval_results}
        assert values["ap"] == pytest.approx(25 * sum(RIGHT[STAGES[3]][:3]) / 3)
        assert "| 01\\-fruit |" in card.text or "| 01-fruit |" in card.text

    def test_a_hostile_title_stays_text_in_a_model_card(self, done):
        hostile = "</td>\n\n# Owned | [x](javascript:alert(1)) ---"
        results = rescore(done.run_dir, done.data).model_copy(update={"title": hostile})
        text = model_card.card(results)
        front, section = text.removeprefix("---\n").split("\n---\n", 1)
        assert yaml.safe_load(front)["model-index"][0]["name"] == "scripted"
        assert "\n# Owned" not in section
        assert "](javascript" not in section
        assert "</td>" not in section


def test_a_run_is_exported_with_the_suite_that_it_was_evaluated_on(toy, tmp_path):
    other = make_toy(tmp_path / "other")
    (other.root / "tasks" / "yesno.yaml").rename(other.root / "tasks" / "asked.yaml")
    other.edit("tasks/asked.yaml", name="asked")
    other.edit("tasks/suites/toy.yaml", unseen=["asked"])
    options = EvaluateOptions(suite=other.suite, data_root=other.data)
    for stage in STAGES:
        said = json.loads(toy.script(stage).read_text())["answers"]
        toy.edit_script(stage, answers={name.replace("yesno/", "asked/"): one for name, one in said.items()})
    evaluate(toy.run_dir, options)
    export_run("lm_eval", toy.run_dir, tmp_path / "out", other.data)
    assert (tmp_path / "out" / STAGES[0] / "samples_asked.jsonl").exists()


def test_scores_without_samples_are_exported_as_tables_alone(toy, tmp_path):
    (tmp_path / "typed.csv").write_text(
        "stage,fruit,pick,count\nfruit,100,,\npick,50,100,\ncount,25,75,100\n"
    )
    import_run("matrix", tmp_path / "typed.csv", toy.suite, tmp_path / "run", About(), toy.data)
    rescore(tmp_path / "run", toy.data)
    for name in PLAIN_TABLES:
        assert export_run(name, tmp_path / "run", tmp_path / name)
    with (tmp_path / "csv" / "matrix.csv").open(newline="") as stream:
        assert {len(row) for row in csv.reader(stream)} == {15}
    with pytest.raises(CvitBenchError, match="there are no answers to export"):
        export_run("lm_eval", tmp_path / "run", tmp_path / "lm", toy.data)
    assert not (tmp_path / "lm").exists()


def test_inspect_logs_are_read_back_by_inspect(done, tmp_path):
    log = pytest.importorskip("inspect_ai.log")
    said = export_run("inspect", done.run_dir, tmp_path / "logs", done.data)
    assert "32 logs" in said
    found = log.read_eval_log(str(tmp_path / "logs" / "01-fruit_fruit_v0.eval"))
    assert found.status == "success"
    assert found.results.scores[0].metrics["mean"].value == 1.0
    assert [sample.id for sample in found.samples] == [f"fruit-test-{at}" for at in range(4)]
    assert found.samples[0].scores["strict"].answer == "apple"


def test_without_inspect_the_message_names_the_extra(done, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "inspect_ai.log", None)
    with pytest.raises(CvitBenchError, match=r"pip install 'cvit-bench\[inspect\]'"):
        export_run("inspect", done.run_dir, tmp_path / "logs", done.data)
    assert list(tmp_path.glob("*logs*")) == []


def test_what_is_there_stays_and_what_is_lacking_is_named(done, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(CvitBenchError, match="is there already"):
        export_run("csv", done.run_dir, tmp_path / "out")
    (done.run_dir / "scores" / STAGES[2] / "pick.parquet").unlink()
    with pytest.raises(CvitBenchError, match=r"pick\.parquet: cannot be read"):
        export_run("lm_eval", done.run_dir, tmp_path / "lm", done.data)
    assert [path.name for path in tmp_path.iterdir() if "lm" in path.name] == []


def test_the_command(done, tmp_path):
    words = ["export", "csv", "--run-dir", str(done.run_dir), "--out", str(tmp_path / "tables")]
    found = CliRunner().invoke(app, words)
    assert (found.exit_code, found.stdout) == (0, f"{tmp_path / 'tables'}: matrix.csv, metrics.csv\n")
    for format_, said in (("cvs", r"Did you mean 'csv'"), ("lora", "--stage: export lora writes one stage")):
        with pytest.raises(CvitBenchError, match=said):
            CliRunner().invoke(app, ["export", format_, *words[2:]], catch_exceptions=False)
