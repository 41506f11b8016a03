"""Every fault of an annotation file is an error that names file and row; nothing is skipped or made up."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cvit_bench.data.images import open_picture
from cvit_bench.data.readers import jsonl as jsonl_reader
from cvit_bench.data.readers import parquet as parquet_reader
from cvit_bench.errors import CvitBenchError
from cvit_bench.resources import embedded_data


def complaint(reader, path):
    with pytest.raises(CvitBenchError) as caught:
        list(reader.read(path))
    return str(caught.value)


BAD_ROWS = [
    ({"id": None}, "id: this key is required"),
    ({"question": None}, "question: this key is required"),
    ({"answers": None}, "answers: this key is required"),
    ({"id": ""}, "id: String should have at least 1 character"),
    ({"question": ""}, "question: String should have at least 1 character"),
    ({"answers": []}, "answers: Tuple should have at least 1 item"),
    ({"answers": [""]}, "answers.0: String should match pattern"),
    ({"answers": ["cat", " \n"]}, "answers.1: String should match pattern"),
]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *BAD_ROWS,
        ({"id": 7}, "id: Input should be a valid string (got 7)"),
        ({"answers": "cat"}, "answers: Input should be a valid tuple (got 'cat')"),
        ({"answers": [3]}, "answers.0: Input should be a valid string (got 3)"),
        (
            {"answer": "cat"},
            "answer: unknown key 'answer' (known: answers, choices, id, question). Did you mean",
        ),
        ({"choices": "AB"}, "choices: Input should be a valid tuple"),
        ({"image": ["a.png"]}, "image: expected the path of a file (got ['a.png'])"),
        ({"image": "a\0.png"}, "image: expected the path of a file"),
        ({"image": "\ud800.png"}, "not valid JSON: a text holds half of a surrogate pair"),
    ],
)
def test_a_row_of_json_with_a_fault_is_named_by_its_line(jsonl, row, changes, said):
    path = jsonl(row("before"), row(**changes), row("after"))
    assert complaint(jsonl_reader, path).startswith(f"{path}:2: {said}")


def test_all_faults_of_a_row_come_at_once(jsonl, row):
    path = jsonl(row(id="", question=None, answers=[]))
    assert [line.split(": ")[1] for line in complaint(jsonl_reader, path).splitlines()] == [
        "id",
        "question",
        "answers",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id": "x", ', "not valid JSON: "),
        (b"id: x", "not valid JSON: "),
        (b"[1]", "expected keys and values, got list"),
        (b"null", "expected keys and values, got NoneType"),
        (b'{"id": "\xff"}', "not UTF-8 text (byte 8 of the line)"),
        (b"[" * 100_000, "not valid JSON: "),
    ],
    ids=["cut", "yaml", "list", "null", "latin-1", "nested"],
)
def test_a_line_that_is_no_row_is_named(jsonl, row, line, said):
    path = jsonl(row("a"), b"", row("b"), line)
    assert complaint(jsonl_reader, path).startswith(f"{path}:4: {said}")


def test_good_rows_before_a_fault_are_read_only_as_far_as_asked(jsonl, row):
    samples = jsonl_reader.read(jsonl(row("a"), b"not json"))
    assert next(samples).id == "a"


def test_text_is_kept_as_it_stands(jsonl, row):
    line = json.dumps(row(question="Grün\u2028\x85 猫?", answers=[" a "]), ensure_ascii=False).encode()
    (sample,) = jsonl_reader.read(jsonl(b"\xef\xbb\xbf" + line))
    assert (sample.question, sample.answers) == ("Grün\u2028\x85 猫?", (" a ",))


def test_what_a_row_may_leave_out_is_empty(jsonl, row):
    (sample,) = jsonl_reader.read(jsonl(row()))
    assert (sample.choices, sample.picture) == ((), None)


@pytest.mark.parametrize("place", ["no.jsonl", "folder"])
def test_a_file_of_json_that_is_not_there_is_named(tmp_path, place):
    (tmp_path / "folder").mkdir()
    assert complaint(jsonl_reader, tmp_path / place).startswith(f"{tmp_path / place}: cannot be read (")


def test_an_image_lies_beside_its_file_and_surfaces_when_read(jsonl, row, encoded, tmp_path):
    from PIL import Image

    path = jsonl(row("a", image="images/a.png"), row("b", image="images/gone.png"))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encoded(Image.new("RGB", (3, 2))))
    there, gone = jsonl_reader.read(path)
    assert open_picture(there.picture).size == (3, 2)
    for ask in (lambda: gone.picture.sha256, lambda: open_picture(gone.picture)):
        with pytest.raises(CvitBenchError, match=r"gone\.png: image cannot be read \(No such file"):
            ask()


@pytest.mark.parametrize("image", ["../secret.png", "/etc/passwd", "a/../../b.png"])
def test_an_image_outside_the_folder_is_refused(jsonl, row, image):
    path = jsonl(row(image=image), name="inner/test.jsonl")
    assert complaint(jsonl_reader, path) == f"{path}:1: image: {image} lies outside {path.parent}"


def test_an_image_link_that_leads_outside_is_refused(jsonl, row, tmp_path):
    path = jsonl(row(image="a.png"), name="inner/test.jsonl")
    (tmp_path / "inner" / "a.png").symlink_to(tmp_path / "secret.png")
    assert "lies outside" in complaint(jsonl_reader, path)


@pytest.fixture
def parquet(row, tmp_path):
    """Return a function that writes rows with all columns as parquet and returns its path."""

    def write(*changes: dict, drop: tuple[str, ...] = (), **columns: pa.Array) -> object:
        rows = [{"image": b"png", "choices": ["x"], **row(f"r{at}"), **new} for at, new in enumerate(changes)]
        table = pa.Table.from_pylist(rows).drop_columns(list(drop))
        for name, values in columns.items():
            table = table.set_column(table.schema.get_field_index(name), name, values)
        pq.write_table(table, tmp_path / "test.parquet")
        return tmp_path / "test.parquet"

    return write


def test_rows_of_parquet_become_samples(parquet):
    one, two = parquet_reader.read(parquet({}, {"image": None, "choices": None}))
    assert (one.id, one.answers, one.choices, one.picture.read()) == ("r0", ("cat",), ("x",), b"png")
    assert (two.id, two.choices, two.picture) == ("r1", (), None)


def test_columns_beyond_the_needed_ones_are_left_alone(parquet):
    (sample,) = parquet_reader.read(parquet({"note": "x"}))
    assert sample.id == "r0"


@pytest.mark.parametrize("column", parquet_reader.COLUMNS)
def test_a_missing_column_is_named(parquet, column):
    path = parquet({}, drop=(column,))
    message = complaint(parquet_reader, path)
    assert message == f"{path}: missing column {column} (needed: id, image, question, choices, answers)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": ""}, "id: String should have at least 1 character"),
        ({"id": None}, "id: Input should be a valid string"),
        ({"answers": []}, "answers: Tuple should have at least 1 item"),
        ({"answers": None}, "answers: Input should be a valid tuple"),
        ({"answers": [""]}, "answers.0: String should match pattern"),
    ],
)
def test_a_row_of_parquet_with_a_fault_is_named_by_its_number(parquet, changes, said):
    path = parquet({}, changes)
    assert complaint(parquet_reader, path).startswith(f"{path} row 2: {said}")


@pytest.mark.parametrize("image", ["a.png", {"bytes": b"x", "path": None}, 5])
def test_an_image_that_is_no_bytes_is_refused(parquet, image):
    path = parquet({"image": image})
    assert complaint(parquet_reader, path).startswith(f"{path} row 1: image: expected encoded bytes, got ")


def test_text_of_parquet_that_is_not_utf8_is_refused(parquet):
    broken = pa.array([b"\xff"], pa.binary()).view(pa.string())
    assert "cannot be read as parquet" in complaint(parquet_reader, parquet({}, question=broken))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_parquet_file_is_an_error(tmp_path, share):
    data = (embedded_data() / "mini_numbers" / "test.parquet").read_bytes()
    path = tmp_path / "test.parquet"
    path.write_bytes(data[: int(len(data) * share)])
    assert complaint(parquet_reader, path).startswith(f"{path}: cannot be read as parquet (")


def test_a_parquet_file_damaged_inside_is_an_error(tmp_path):
    data = bytearray((embedded_data() / "mini_numbers" / "test.parquet").read_bytes())
    data[4:4000] = b"\xff" * 3996
    path = tmp_path / "test.parquet"
    path.write_bytes(data)
    assert complaint(parquet_reader, path).startswith(f"{path}: cannot be read as parquet (")


@pytest.mark.parametrize("place", ["no.parquet", "folder", "text.parquet"])
def test_what_is_no_parquet_file_is_named(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.parquet").write_text("id,image\n")
    assert complaint(parquet_reader, tmp_path / place).startswith(f"{tmp_path / place}: cannot be read")
