"""The datasets' own files as tasks: every reader from its file to a score, by way of the embedded model."""

import base64
import copy
import json
from io import BytesIO

import pytest
import yaml
from PIL import Image

from cvit_bench import plugins
from cvit_bench.cli.train import run_training
from cvit_bench.data.library import open_suite
from cvit_bench.data.suite_data import Looking
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate

QUESTION = {"question": "Is it red?", "image_id": 7}


def png() -> bytes:
    """Return a small picture."""
    stream = BytesIO()
    Image.new("RGB", (12, 9), "red").save(stream, "PNG")
    return stream.getvalue()


def table(root) -> None:
    """Write the same sample as a parquet file of the hub's columns, and as one of ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"qid": 7, "q": "Is it red?", "image": {"bytes": png(), "path": "7.png"}, "a": ["yes"]}
    pq.write_table(pa.Table.from_pylist([row]), root / "table.parquet")
    ours = {"id": "7", "question": "Is it red?", "image": png(), "answers": ["yes"], "choices": []}
    schema = pa.schema([("choices", pa.list_(pa.string()))])
    columns = pa.Table.from_pylist([ours]).drop_columns(["choices"])
    pq.write_table(
        columns.append_column(schema.field(0), pa.array([None], schema.field(0).type)), root / "ours.parquet"
    )


FILES = {
    "jsonl": {"id": "7", "question": "Is it red?", "answers": ["yes"], "image": "7.jpg"},
    "llava": [
        {
            "id": 7,
            "image": "7.jpg",
            "conversations": [
                {"from": "human", "value": "<image>\nIs it red?"},
                {"from": "gpt", "value": "yes"},
            ],
        }
    ],
    "coin": [{"question_id": 7, "image": "7.jpg", "text": "Is it red?", "answer": "yes"}],
    "scienceqa": {
        "7": {"question": "Is it red?", "choices": ["yes", "no"], "answer": 0, "image": None, "split": "test"}
    },
    "textvqa": {"data": [{**QUESTION, "question_id": 7, "answers": ["yes"] * 10}]},
    "gqa": {"7": {"question": "Is it red?", "imageId": "7", "answer": "yes", "isBalanced": True}},
    "vqa": {"data_subtype": "val2014", "questions": [{**QUESTION, "question_id": 7}]},
    "vizwiz": [{"image": "7.jpg", "question": "Is it red?", "answers": [{"answer": "yes"}] * 10}],
    "ocrvqa": {
        "7": {"imageURL": "http://x/7.jpg", "questions": ["Is it red?"], "answers": ["yes"], "split": 3}
    },
    "coco_captions": {
        "images": [{"id": 7, "file_name": "7.jpg"}],
        "annotations": [{"image_id": 7, "caption": "yes"}],
    },
    "tsv": f"index\timage\tquestion\tanswer\n7\t{base64.b64encode(png()).decode()}\tIs it red?\tyes\n",
    "table": None,
    "parquet": None,
}
NAMES = {"jsonl": "jsonl.jsonl", "tsv": "tsv.tsv", "table": "table.parquet", "parquet": "ours.parquet"}
MORE = {
    "vqa": {"annotations": "answers.json"},
    "table": {"columns": {"id": "qid", "question": "q", "answers": "a"}},
}


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A suite with a task for each reader, and its data root."""
    root = tmp_path_factory.mktemp("official")
    Image.new("RGB", (12, 9), "red").save(root / "7.jpg")
    Image.new("RGB", (12, 9), "red").save(root / f"COCO_val2014_{7:012d}.jpg")
    answers = {"annotations": [{"question_id": 7, "answers": [{"answer": "yes"}] * 10}]}
    (root / "answers.json").write_text(json.dumps(answers))
    table(root)
    for reader, content in FILES.items():
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (root / NAMES.get(reader, f"{reader}.json")).write_text(text)
        _write_task(root, reader)
    suite = {"name": "all", "version": 1, "title": "A", "description": "d", "base": "embedded:mini"}
    _yaml(root / "tasks" / "suites" / "all.yaml", {**suite, "train": sorted(FILES)})
    return root, str(root / "tasks" / "suites" / "all.yaml")


def _write_task(root, reader: str) -> None:
    split = {"file": NAMES.get(reader, f"{reader}.json"), **copy.deepcopy(MORE.get(reader, {}))}
    form = "option_letter" if reader == "scienceqa" else "short_answer"
    task = {
        "name": reader, "title": reader, "description": "d", "answer_form": form, "template": form,
        "scorer": "option_letter" if reader == "scienceqa" else "exact", "reader": reader, "picture": "pad",
        "splits": {"train": split, "test": copy.deepcopy(split)}, "max_new_tokens": 4, "licence": "CC0-1.0",
        "citation": "none",
    }  # fmt: skip
    _yaml(root / "tasks" / f"{reader}.yaml", task)


def _yaml(path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"schema_version": 1, **content}))


def test_every_reader_has_a_task_here():
    assert sorted(FILES) == sorted(plugins.names(plugins.READERS))


def test_the_files_are_sound(official):
    root, suite = official
    found = Looking(*open_suite(suite), root, images=False).check()
    assert [line for split in found.splits for line in split.findings] == []
    assert all(split.samples == 1 for split in found.splits)


def test_every_reader_is_answered_and_scored(official, tmp_path):
    root, suite = official
    run_training("zero_shot", suite, tmp_path / "run", base="embedded:mini", data_root=root)
    results = evaluate(tmp_path / "run", EvaluateOptions(data_root=root, suite=suite))
    assert [task.name for task in results.tasks] == sorted(FILES)
    assert all(score is not None for score in results.matrices.S[0])
    assert all(task.n == 1 for task in results.tasks)
