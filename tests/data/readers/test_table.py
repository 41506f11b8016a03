"""Tables through `datasets`: the hub's shapes of pictures and answers, columns by any name."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from cvit_bench.errors import CvitBenchError

ROWS = [
    {
        "question_id": 5,
        "image": {"bytes": b"png", "path": "a.png"},
        "q": "What?",
        "answers": [{"answer": "yes", "answer_id": 1}, {"answer": "no", "answer_id": 2}],
    },
    {"question_id": 6, "image": None, "q": "Who?", "answers": [{"answer": "me", "answer_id": 1}]},
]
COLUMNS = {"id": "question_id", "question": "q"}


@pytest.fixture
def parquet(tmp_path):
    """Return a function that writes rows as parquet."""

    def write(rows):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
        return tmp_path / "t.parquet"

    return write


def test_a_table_of_the_hub_is_read_by_its_columns(parquet, read):
    one, two = read("table", parquet(ROWS), columns=COLUMNS)
    assert (one.id, one.question, one.answers, one.picture.read()) == ("5", "What?", ("yes", "no"), b"png")
    assert (two.id, two.answers, two.picture) == ("6", ("me",), None)


def test_a_choice_by_its_number_becomes_a_letter(parquet, read):
    rows = [{"question": "?", "choices": ["a", "b"], "answers": 1, "image": b"x"}]
    (sample,) = read("table", parquet(rows))
    assert (sample.id, sample.answers, sample.choices) == ("1", ("B",), ("a", "b"))


def test_a_choice_without_a_letter_is_named(parquet, faults):
    row = {"question": "?", "choices": list("abcdefghijk"), "answers": 10}
    path = parquet([row, {**row, "answers": 9}])
    (last,), (fault,) = faults("table", path)
    assert last.answers == ("J",)
    assert fault.startswith(f"{path} row 1: id 1: answers: expected the number of one of the choices, 0 to 9")


def test_one_choice_may_stand_without_a_list(parquet, read):
    rows = [{"question": "?", "choices": 5, "answers": "5"}]
    assert read("table", parquet(rows))[0].choices == ("5",)


def test_an_arrow_file_is_read_too(tmp_path, read):
    Dataset.from_list([{"question": "?", "answers": "x"}]).save_to_disk(str(tmp_path / "d"))
    (path,) = (tmp_path / "d").glob("*.arrow")
    assert read("table", path)[0].answers == ("x",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question": " "}, "row 2: id 2: question: expected a text"),
        ({"question": None}, "row 2: id 2: question: this key is required"),
        ({"choices": None, "answers": float("nan")}, "row 2: id 2: answers: expected a text (got nan)"),
        (
            {"choices": ["a"], "answers": 4},
            "row 2: id 2: answers: expected the number of one of the choices, 0 to 0 (got 4)",
        ),
    ],
)
def test_a_faulty_row_is_named_by_its_number(parquet, faults, changes, said):
    sound = {"question": "?", "choices": ["a"], "answers": 0}
    path = parquet([sound, {**sound, **changes}])
    samples, (fault,) = faults("table", path)
    assert len(samples) == 1
    assert fault.startswith(f"{path} {said}")


def test_a_column_that_is_no_field_of_a_sample_is_named(parquet, read):
    with pytest.raises(CvitBenchError, match=r"columns: unknown column 'anwsers' .* Did you mean 'answers'"):
        read("table", parquet(ROWS), columns={"anwsers": "a"})


@pytest.mark.parametrize(
    "about",
    [
        "3",
        '{"info":',
        '{"info": {"features": 3}}',
        '{"info": {"features": {"question": "text"}}}',
        '{"info": {"features": {"question": {"_type": "Sound"}}}}',
    ],
)
def test_a_table_with_a_broken_description_of_its_columns_is_named(tmp_path, faults, about):
    table = pa.table({"question": ["?"], "answers": ["x"]}).replace_schema_metadata({"huggingface": about})
    pq.write_table(table, tmp_path / "t.parquet")
    samples, (fault,) = faults("table", tmp_path / "t.parquet")
    assert samples == []
    assert fault.startswith(f"{tmp_path / 't.parquet'}: cannot be read as a table (")


@pytest.mark.parametrize("name", ["gone.parquet", "text.parquet", "text.arrow"])
def test_a_file_that_is_no_table_is_named(tmp_path, faults, name):
    if name != "gone.parquet":
        (tmp_path / name).write_text("no table")
    _, (fault,) = faults("table", tmp_path / name)
    assert fault.startswith(f"{tmp_path / name}: cannot be read")
