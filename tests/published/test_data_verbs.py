"""`data check` and `data prepare` on miniatures: faults are found with file, line and id, never a trace."""

import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner

from cvit_bench.cli.main import app
from cvit_bench.data.library import open_suite
from cvit_bench.data.prepared import FOLDER
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError

CVIT = "CVIT_benchmark/Instructions_Single"
COIN = "playground/Instructions_Original"


@pytest.fixture
def call():
    """Return a function that calls `cvit-bench data …`: its stdout; the exit status is as said."""

    def run(*words, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["data", *map(str, words)])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.stdout

    return run


@pytest.fixture
def edit(root):
    """Return a function that changes the rows of a file and returns its path."""

    def change(name: str, how) -> object:
        path = root / name
        rows = json.loads(path.read_text())
        how(rows)
        path.write_text(json.dumps(rows, indent=1))
        return path

    return change


def line_of(path, text: str) -> int:
    """Return the line of the object that holds a text."""
    lines = path.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if text in line)
    return max(number for number in range(at + 1) if lines[number].startswith(" {")) + 1


def findings(out: str) -> list[str]:
    """Return the lines behind the table."""
    return [line for line in out.splitlines() if ": " in line and not line.startswith(" ")]


def test_a_sound_copy_has_no_findings(call, root):
    out = call("check", "cvit", "--data-root", root)
    assert findings(out) == []
    assert out.count(" sound") == 17


def test_wrong_counts_are_found_where_the_right_ones_are_known(call, root):
    found = findings(call("check", "coin", "--data-root", root, code=1))
    assert f"coin_gqa test: count: {root / COIN / 'GQA/test.json'}: holds 2 samples, not 12578" in found
    assert len(found) == 7


def test_a_missing_image_is_found(call, root):
    image = root / "dataset/GQA/test/1.jpg"
    image.unlink()
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    path = root / CVIT / "GQA/test.json"
    where = f"cvit_gqa test: {path}:{line_of(path, 'GQA/test/1.jpg')}: id 1: {image}"
    assert found == f"{where}: image cannot be read (No such file or directory)"


def test_an_unreadable_image_is_found_unless_pictures_are_left_out(call, root):
    image = root / "dataset/GQA/train/2.jpg"
    image.write_bytes(image.read_bytes()[:200])
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    assert f"id 3: {image}: image cannot be read" in found
    call("check", "cvit", "--data-root", root, "--no-images")


def test_a_doubled_id_is_found(call, root, edit):
    path = edit(f"{CVIT}/VQAv2/val.json", lambda rows: rows[1].update(question_id=rows[0]["question_id"]))
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    assert found == f"cvit_vqav2 test: {path}:8: id 0: stands twice (first at {path}:2)"


def test_a_doubled_id_of_a_train_file_is_found(call, root, edit):
    path = edit(f"{CVIT}/ScienceQA/train.json", lambda rows: rows[3].update(id="1"))
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    assert found.startswith(f"cvit_scienceqa train: {path}:")
    assert "id 1: stands twice" in found


def test_a_missing_answer_is_found(call, root, edit):
    path = edit(f"{CVIT}/GQA/test.json", lambda rows: rows[0].pop("answer"))
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    assert found == f"cvit_gqa test: {path}:2: id 0: answer: there is none"


def test_an_answer_that_the_second_file_lacks_is_found(call, root, edit):
    second = edit("dataset/TextVQA/TextVQA_0.5.1_val.json", lambda about: about["data"].pop(0))
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    path = root / CVIT / "TextVQA/val.json"
    assert found == f"cvit_textvqa test: {path}:2: id 0: answer: {second} has none for id '0'"


@pytest.mark.parametrize(
    "box", ["[0.1, 0.2, 0.3]", "[0.6, 0.2, 0.3, 0.4]", "[0.1, 0.2, 0.3, 7]", "a box", 3, None, [0.1, 0.2]]
)
def test_a_malformed_box_is_found(call, root, edit, box):
    path = edit(f"{COIN}/Grounding/test.json", lambda rows: rows[1].update(answer_bbox=box))
    found = findings(call("check", "coin", "--data-root", root, code=1))
    line = next(line for line in found if "answer_bbox" in line)
    assert line.startswith(
        f"coin_grounding test: {path}:{line_of(path, rows_image(path, 1))}: id 1: answer_bbox: "
    )


def rows_image(path, at: int) -> str:
    """Return the picture that a row names."""
    return json.loads(path.read_text())[at]["image"]


def test_a_malformed_box_of_a_train_file_is_found(call, root, edit):
    def spoil(rows):
        rows[2]["conversations"][1]["value"] = "[0.1 0.2 0.3 0.4]"

    path = edit(f"{COIN}/Grounding/train.json", spoil)
    found = findings(call("check", "coin", "--data-root", root, code=1))
    line = next(line for line in found if line.startswith("coin_grounding train"))
    assert f"{path}:" in line
    assert "id 2: answers: '[0.1 0.2 0.3 0.4]' breaks the form asked for" in line


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_found_and_what_stands_before_the_cut_is_read(call, root, share):
    path = root / CVIT / "ImageNet/train.json"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    found = findings(call("check", "cvit", "--data-root", root, code=1))
    lines = [line for line in found if line.startswith("cvit_imagenet train: ")]
    assert len(lines) == 1
    assert lines[0].startswith(f"cvit_imagenet train: {path}:")
    assert lines[0].endswith(": not valid JSON: the file ends too early")


def test_a_file_that_is_no_utf_8_is_found(call, root):
    path = root / CVIT / "GQA/test.json"
    path.write_bytes(path.read_bytes().replace(b"Is it red", b"Is it r\xe9d", 1))
    (found,) = findings(call("check", "cvit", "--data-root", root, code=1))
    assert found.startswith(f"cvit_gqa test: {path}:")
    assert "not UTF-8 text (byte " in found


def test_a_picture_of_train_that_is_asked_about_is_found(call, root):
    shutil.copy(root / "dataset/GQA/train/0.jpg", root / "dataset/GQA/test/0.jpg")
    out = call("check", "cvit", "--data-root", root, code=1)
    (found,) = findings(out)
    assert found.endswith("id 0: image: shared with the train split of cvit_gqa")
    assert "cvit_gqa test and cvit_gqa train share 1 pictures" in out


def test_a_picture_of_another_task_is_told_but_no_fault(call, root):
    shutil.copy(root / "dataset/VQAv2/train/0.jpg", root / "dataset/GQA/test/0.jpg")
    out = call("check", "cvit", "--data-root", root)
    assert "cvit_gqa test and cvit_vqav2 train share 1 pictures" in out


@pytest.mark.parametrize("verb", ["check", "prepare"])
def test_what_is_missing_is_named_with_where_it_is_to_be_had(call, tmp_path, verb):
    out = call(verb, "ucit", "--data-root", tmp_path, code=1)
    assert "ucit_iconqa test: UCIT/instructions/IconQA/test_3000.json: no such file" in out
    assert "https://huggingface.co/datasets/HaiyangGuo/UCIT (none stated)" in out
    assert out.count("UCIT instruction files") == 1


def test_a_folder_that_is_not_there_is_named():
    result = CliRunner().invoke(app, ["data", "check", "cvit", "--data-root", "/no/such"])
    assert isinstance(result.exception, CvitBenchError)
    assert str(result.exception) == "--data-root /no/such: no such folder"


def test_preparing_converts_once_and_nothing_is_read_otherwise_afterwards(call, root):
    library, _ = open_suite("cvit")
    before = load_samples(library.task("cvit_scienceqa"), "test", root)
    assert call("prepare", "cvit", "--data-root", root).count("sound, converted") == 17
    made = {path: path.stat().st_mtime_ns for path in (root / FOLDER).iterdir()}
    assert len(made) == 17
    call("prepare", "cvit", "--data-root", root)
    assert {path: path.stat().st_mtime_ns for path in (root / FOLDER).iterdir()} == made
    assert load_samples(library.task("cvit_scienceqa"), "test", root) == before


def test_a_faulty_split_is_not_converted_and_its_fault_is_said(call, root, edit):
    edit(f"{CVIT}/GQA/test.json", lambda rows: rows[0].update(text=""))
    out = call("prepare", "cvit", "--data-root", root, code=1)
    assert "id 0: text: expected a text" in out
    assert out.count("sound, converted") == 16
    assert not list((root / FOLDER).glob("cvit_gqa-test-*"))


def test_what_is_found_comes_as_json_too(call, root):
    found = json.loads(call("prepare", "coin", "--data-root", root, "--json"))
    split = next(one for one in found["splits"] if (one["task"], one["split"]) == ("coin_textvqa", "test"))
    assert split["samples"] == 2
    assert [file["name"] for file in split["files"]] == [
        f"{COIN}/TextVQA/val.json",
        "cl_dataset/TextVQA/TextVQA_0.5.1_val.json",
    ]
    assert all(len(file["sha256"]) == 64 for file in split["files"])


def drawn(call, root, seed: int):
    """Draw three samples a split; return the suite's path and the ids of the train split of GQA."""
    out = call("prepare", "cvit", "--data-root", root, "--subset", "3", "--seed", seed)
    path = out.splitlines()[-1].partition(": --suite")[0]
    library, suite = open_suite(path)
    ids = [sample.id for sample in load_samples(library.task("cvit_gqa"), "train", root)]
    return library, suite, ids


def test_a_subset_is_a_suite_of_its_own_whose_ids_are_written_down(call, root):
    library, suite, ids = drawn(call, root, 0)
    assert suite.name == "cvit-3-s0"
    assert len(ids) == 3
    assert ids == sorted(ids, key=int)
    stored = root / "subsets/cvit-3-s0/ids/cvit_gqa-train.txt"
    assert stored.read_text().split() == ids
    assert len(load_samples(library.task("cvit_places365"), "train", root)) == 20
    assert len(load_samples(library.task("cvit_gqa"), "test", root)) == 2


def test_a_subset_is_the_same_for_a_seed(call, root):
    one, other = (drawn(call, root, seed)[2] for seed in (0, 1))
    assert drawn(call, root, 0)[2] == one != other


@pytest.fixture
def own_suite(tmp_path):
    """A suite of one's own with a template of its own; its train file has an id twice."""
    home = tmp_path / "home"
    task = {
        "name": "mine", "title": "M", "description": "d", "answer_form": "short_answer", "scorer": "exact",
        "template": "mine", "reader": "jsonl", "licence": "CC0-1.0", "citation": "none",
        "splits": {split: {"file": f"{split}.jsonl"} for split in ("train", "test")},
    }  # fmt: skip
    suite = {"name": "s", "version": 1, "title": "S", "description": "d", "train": ["mine"], "base": "b"}
    template = {
        "name": "mine", "answer_form": "short_answer",
        "variants": [{"id": "v0", "split": "train", "text": "{{ question }}"}],
    }  # fmt: skip
    for place, content in (
        ("tasks/suites/s", suite),
        ("tasks/mine", task),
        ("instruction_templates/mine", template),
    ):
        path = home / f"{place}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    for split, names in (("train", "aaab"), ("test", "cdef")):
        rows = [{"id": name, "question": f"{split} {at}?", "answers": ["x"]} for at, name in enumerate(names)]
        (home / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return home


@pytest.mark.parametrize("seed", range(4))
def test_a_subset_of_a_suite_of_ones_own_stands_alone(call, own_suite, seed):
    suite = own_suite / "tasks" / "suites" / "s.yaml"
    out = call("prepare", suite, "--data-root", own_suite, "--subset", "3", "--seed", seed)
    library, _ = open_suite(out.splitlines()[-1].partition(": --suite")[0])
    drawn = load_samples(library.task("mine"), "train", own_suite)
    known = {
        (one.id, one.question)
        for one in load_samples(open_suite(str(suite))[0].task("mine"), "train", own_suite)
    }
    assert len(drawn) == 3
    assert {(one.id, one.question) for one in drawn} <= known
    assert library.template("mine").variants[0].text == "{{ question }}"


def test_a_subset_of_a_shipped_suite_has_the_shipped_templates(call, root):
    drawn(call, root, 0)
    assert not (root / "subsets/cvit-3-s0/instruction_templates").exists()


def test_a_task_may_take_its_file_from_the_hub(call, root, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "hub").mkdir()
    rows = [{"question_id": at, "question": "Is it?", "answer": "yes", "image": None} for at in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "hub" / "test.parquet")
    home = tmp_path / "mine"
    task = {
        "name": "hubbed", "title": "H", "description": "d", "answer_form": "short_answer", "scorer": "exact",
        "template": "short_answer", "reader": "table", "licence": "CC0-1.0", "citation": "none",
        "splits": {
            split: {
                "file": f"hub/{split}.parquet",
                "columns": {"id": "question_id", "answers": "answer"},
                "hub": {"dataset": str(tmp_path / "hub"), "split": "test"},
            }
            for split in ("train", "test")
        },
    }  # fmt: skip
    suite = {"name": "s", "version": 1, "title": "S", "description": "d", "train": ["hubbed"], "base": "b"}
    (home / "tasks" / "suites").mkdir(parents=True)
    (home / "tasks" / "hubbed.yaml").write_text(yaml.safe_dump(task))
    (home / "tasks" / "suites" / "s.yaml").write_text(yaml.safe_dump(suite))
    path = home / "tasks" / "suites" / "s.yaml"
    call("prepare", path, "--data-root", root, code=1)
    assert call("prepare", path, "--data-root", root, "--hub").count("sound, converted") == 2
    assert len(load_samples(open_suite(str(path))[0].task("hubbed"), "test", root)) == 5


def test_a_dataset_that_cannot_be_had_is_named(root, tmp_path):
    from cvit_bench.data.hub import fetch
    from cvit_bench.data.split_files import files_of

    library, _ = open_suite("cvit")
    task = library.task("cvit_gqa")
    hub = {"dataset": str(tmp_path / "nowhere"), "split": "test"}
    split = task.splits["test"].model_validate({"file": "gone.parquet", "hub": hub})
    gone = task.model_copy(update={"splits": {"test": split}})
    with pytest.raises(CvitBenchError, match=r"cannot be had .* may be put there by hand"):
        fetch(files_of(gone, "test", root))
