"""Answers of other tools with faults in them: each is named by file and line, and nothing is written."""

import pytest

from cvit_bench.errors import CvitBenchError
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
