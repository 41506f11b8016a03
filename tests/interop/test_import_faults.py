"""Answers of other tools with faults in them: each is named by file and line, and nothing is written."""

import csv
from zipfile import ZipFile

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.interop.importing import import_run
from cvit_bench.interop.placing import About
from tests.interop.conftest import lines, rows_of


def _doubled(file):
    rows = rows_of(file)
    lines(file, [*rows, rows[1]])


def _lost(file):
    lines(file, rows_of(file)[:-1])


def _stranger(file):
    rows = rows_of(file)
    lines(file, [*rows[:2], rows[2] | {"question_id": "somebody"}, rows[3]])


def _other_question(file):
    rows = rows_of(file)
    lines(file, [rows[0] | {"prompt": "Who painted this?"}, *rows[1:]])


def _cut(file):
    file.write_text(file.read_text()[:-20])


def _no_text(file):
    rows = rows_of(file)
    del rows[1]["text"]
    lines(file, rows)


def _a_list(file):
    file.write_text("[1, 2]\n" + file.read_text())


def _bytes(file):
    file.write_bytes(b'{"question_id": "\xff"}\n')


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_doubled, r"merge\.jsonl:5: 'pick-test-1' stands twice, first at .*merge\.jsonl:2"),
        (_lost, r"Finetune: 1 of 4 answers of task 'pick' are missing: pick-test-3"),
        (_stranger, r"merge\.jsonl:3: 'somebody' is none of the 4 samples of task 'pick'"),
        (_other_question, r"merge\.jsonl:1: 'pick-test-0' was asked 'Who painted this\?', the suite asks"),
        (_cut, r"merge\.jsonl:4: not valid JSON: .*it may be cut short"),
        (_no_text, r"merge\.jsonl:2: text: this key is required"),
        (_a_list, r"merge\.jsonl:1: expected keys and values, got list"),
        (_bytes, r"merge\.jsonl:1: not UTF-8 text"),
    ],
)
def test_faults_in_answers_name_file_and_line(imported, trees, tmp_path, fault, said):
    path = trees.coin()
    fault(path / "PICK" / "Finetune" / "merge.jsonl")
    with pytest.raises(CvitBenchError, match=said):
        imported("coin", path)
    assert list((tmp_path / "runs").iterdir()) == []


def test_other_questions_may_be_taken_on_purpose(imported, trees):
    path = trees.coin()
    _other_question(path / "PICK" / "Finetune" / "merge.jsonl")
    _, notes = imported("coin", path, About(any_question=True))
    assert "64 answers of 16 cells" in notes[-1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PICK", "PICKS", r"PICKS/.*: task 'PICKS': unknown task.*--task PICKS=TASK"),
        ("PICK/Count", "PICK/Later", r"PICK/Later: unknown stage 'Later'.*--stage Later=TASK"),
        ("PICK/Count", "PICK/Pick", r"stage 02-pick, task pick: so is .*Finetune"),
    ],
)
def test_unknown_names_say_what_is_known(imported, trees, old, new, said):
    path = trees.coin()
    (path / old).rename(path / new)
    with pytest.raises(CvitBenchError, match=said):
        imported("coin", path)


def test_a_lost_chunk_is_named(imported, trees):
    path = trees.coin(chunks=2)
    (path / "PICK" / "Finetune" / "2_1.jsonl").unlink()
    with pytest.raises(CvitBenchError, match=r"2_1\.jsonl: no such chunk file"):
        imported("coin", path)


def test_documents_in_another_order_are_refused(imported, trees):
    path = trees.lmms_eval()
    file = next(path.rglob("*_samples_count.jsonl"))
    rows = rows_of(file)
    rows[0]["target"], rows[1]["target"] = rows[1]["target"], rows[0]["target"]
    lines(file, rows)
    with pytest.raises(
        CvitBenchError, match=r"samples_count\.jsonl:1: doc_id 0: its target '2' is no reference"
    ):
        imported("lmms_eval", path)


def test_a_failure_is_never_an_answer(imported, trees):
    path = trees.vlmevalkit()
    file = next(path.rglob("*_PICK.tsv"))
    text = file.read_text().splitlines(keepends=True)
    text[2] = text[2].rsplit("\t", 1)[0] + "\tFailed to obtain answer via API.\r\n"
    file.write_text("".join(text), newline="")
    with pytest.raises(CvitBenchError, match=r"_PICK\.tsv:3: prediction: 'Failed to obtain answer"):
        imported("vlmevalkit", path)


@pytest.fixture
def typed(tmp_path):
    """Write a matrix of scores."""
    path = tmp_path / "typed.csv"
    path.write_text("stage,fruit,pick\nbase,10,20.5\nfruit,90,\n")
    return path


@pytest.mark.parametrize(
    ("folder", "about", "said"),
    [
        ("my run", About(), "--run-dir .*my run: the folder's name is the run's: 'my run': letters, digits"),
        ("run", About(method="Mo E"), "--method 'Mo E': letters, digits"),
        ("run", About(base=""), "--base: expected a folder, a hub id or embedded:NAME"),
    ],
)
def test_names_that_no_manifest_can_carry_are_refused(toy, typed, tmp_path, folder, about, said):
    with pytest.raises(CvitBenchError, match=said):
        import_run("matrix", typed, toy.suite, tmp_path / "runs" / folder, about, toy.data)
    assert not (tmp_path / "runs").exists()


def test_a_cell_beyond_all_measure_is_named(imported, typed):
    typed.write_text(f"stage,fruit\nbase,1\nfruit,{'9' * 101}\n")
    before = csv.field_size_limit(100)
    try:
        with pytest.raises(CvitBenchError, match=r"typed\.csv:3: not a line of a csv file \(field larger"):
            imported("matrix", typed)
    finally:
        csv.field_size_limit(before)


def test_a_cell_that_is_no_number_is_shown_in_part(imported, typed):
    typed.write_text(f"stage,fruit\nbase,{'x' * 1000}\n")
    with pytest.raises(
        CvitBenchError, match=r"typed\.csv:2: fruit: expected a percentage, .*\(got 'x{40}'\)$"
    ):
        imported("matrix", typed)


def test_scores_without_samples_are_measured_against_nothing(toy, imported, typed):
    run_dir, _ = imported("matrix", typed)
    with pytest.raises(CvitBenchError, match=r"--reference .*: .*holds scores without samples"):
        rescore(run_dir, toy.data, references=[toy.run_dir])
    assert not (run_dir / "results.json").exists()


def test_scores_of_another_version_of_a_suite_are_not_those_of_this_one(toy, imported, typed):
    run_dir, _ = imported("matrix", typed)
    toy.edit("tasks/suites/toy.yaml", version=2)
    with pytest.raises(CvitBenchError, match=r"matrix\.json: suite_version: made for version 1 of 'toy'"):
        rescore(run_dir, toy.data)


def test_a_damaged_sheet_is_one_message(imported, trees):
    path = trees.vlmevalkit("xlsx")
    file = next(path.rglob("*_PICK.xlsx"))
    with ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with ZipFile(file, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
    with pytest.raises(CvitBenchError, match=r"_PICK\.xlsx: not an xlsx table"):
        imported("vlmevalkit", path)
