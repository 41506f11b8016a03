"""A predictions file survives being cut anywhere; what is damaged is named, never taken for an answer."""

import pytest
from pydantic import ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.prediction import Prediction, append_predictions, read_predictions

KEY = "0" * 64


def prediction(name, text="a cat", **fields):
    return Prediction(id=name, key=KEY, prompt="What is it?", text=text, **fields)


SOME = [prediction("a"), prediction("b", 'Grün\n\r\u2028\x85 "quoted"'), prediction("c", "")]


@pytest.fixture
def path(tmp_path):
    """Where predictions go; the folders do not exist yet."""
    return tmp_path / "predictions" / "00-base" / "fruit" / "v0.jsonl"


def test_what_is_appended_is_read_back(path):
    append_predictions(path, SOME[:2])
    append_predictions(path, SOME[2:])
    found = read_predictions(path)
    assert (found.predictions, found.damaged) == (SOME, [])


def test_an_answer_with_line_ends_stays_on_one_line(path):
    append_predictions(path, SOME)
    assert path.read_bytes().count(b"\n") == len(SOME)


def test_a_file_that_is_not_there_holds_nothing(path):
    found = read_predictions(path)
    assert (found.predictions, found.damaged) == ([], [])


def test_appending_nothing_leaves_the_file(path):
    append_predictions(path, SOME)
    before = path.read_bytes()
    append_predictions(path, [])
    assert path.read_bytes() == before


def test_a_file_cut_at_any_byte_keeps_its_whole_lines(path):
    append_predictions(path, SOME)
    data = path.read_bytes()
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        found = read_predictions(path)
        whole = data[:end].count(b"\n")
        assert found.predictions == SOME[:whole], end
        cut = not data[:end].endswith(b"\n") and end > 0
        assert found.damaged == ([f"{path}:{whole + 1}: the last line is cut short"] if cut else []), end


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{\n", "line: Invalid JSON"),
        (b"\n", "line: Invalid JSON"),
        (b"\x00\x00\x00\n", "line: Invalid JSON"),
        (b'{"id": "b\xff"}\n', "line: Invalid JSON"),
        (b"[]\n", "line: Input should be"),
        (b'{"id": "b"}\n', "key: Field required"),
        (f'{{"id":"b","key":"{KEY}","prompt":"p","text":"t","score":1}}\n'.encode(), "score: Extra inputs"),
        (b'{"id":"b","key":"short","prompt":"p","text":"t"}\n', "key: String should match"),
        (f'{{"id":"b","key":"{KEY}","prompt":"p","text":7}}\n'.encode(), "text: Input should be"),
        (f'{{"id":"b","key":"{KEY}","prompt":"p","text":null}}\n'.encode(), "either text or error"),
    ],
)
def test_a_damaged_line_in_the_middle_is_named_and_the_others_are_kept(path, line, said):
    append_predictions(path, SOME)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + line + lines[2])
    found = read_predictions(path)
    assert found.predictions == [SOME[0], SOME[2]]
    (complaint,) = found.damaged
    assert complaint.startswith(f"{path}:2: ")
    assert said in complaint


def test_an_error_is_no_answer_and_an_answer_no_error():
    assert prediction("a", None, error="out of memory").text is None
    for fields in ({"text": None}, {"text": "a cat", "error": "and yet"}):
        with pytest.raises(ValidationError, match="either text or error"):
            prediction("a", **fields)


def test_a_place_that_cannot_be_written_is_an_error_with_a_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CvitBenchError, match=r"v0.jsonl: cannot be written \("):
        append_predictions(tmp_path / "file" / "v0.jsonl", SOME)


def test_a_folder_in_place_of_the_file_is_an_error_with_a_message(tmp_path):
    for call in (read_predictions, lambda path: append_predictions(path, SOME)):
        with pytest.raises(CvitBenchError, match="Is a directory"):
            call(tmp_path)
