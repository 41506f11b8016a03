"""One broken file per check: each finding names file, line and key; a sound suite gives none."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from cvit_bench.data.check import Check
from cvit_bench.data.library import open_library
from cvit_bench.records.files import sha256_file
from cvit_bench.records.load import yaml_line


@pytest.fixture
def findings(toy):
    """Return a function that checks every file of the toy suite and returns the findings."""

    def found() -> list[str]:
        library = open_library(toy.root)
        check = Check(library, toy.data)
        for kind, look in (("templates", check.template), ("suites", check.suite), ("tasks", check.task)):
            for path in getattr(library, kind).values():
                if path.is_relative_to(toy.root):
                    look(path)
        return check.findings

    return found


@pytest.fixture
def edit_rows(toy):
    """Return a function that changes the rows of a split (a function of the list of rows)."""

    def edit(task: str, split: str, change) -> Path:
        path = toy.data / task / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        change(rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return edit


def at(path, *key):
    """Return how a finding about a key begins: file, line and the key itself."""
    return f"{path}:{yaml_line(path, key)}: {'.'.join(str(part) for part in key)}"


def test_a_sound_suite_gives_no_finding(findings):
    assert findings() == []


def test_checking_writes_nothing(toy, findings):
    before = {path: path.stat().st_mtime_ns for path in toy.root.rglob("*")}
    findings()
    assert {path: path.stat().st_mtime_ns for path in toy.root.rglob("*")} == before


def test_an_unknown_key_is_found(toy, findings):
    path = toy.edit("tasks/fruit.yaml", scorrer="exact")
    (found,) = findings()
    assert found.startswith(f"{at(path, 'scorrer')}: unknown key 'scorrer' ")
    assert found.endswith("Did you mean 'scorer'?")


def test_a_misspelt_value_is_found(toy, findings):
    path = toy.edit("tasks/fruit.yaml", answer_form="class_nam")
    (found,) = findings()
    assert found.startswith(f"{at(path, 'answer_form')}: ")
    assert found.endswith("(got 'class_nam')")


def test_a_name_that_is_not_the_file_name_is_found(toy, findings):
    path = toy.edit("tasks/fruit.yaml", name="melon")
    assert findings() == [f"{at(path, 'name')}: must be the file's name 'fruit' (got 'melon')"]


@pytest.mark.parametrize(
    ("key", "value", "meant"),
    [("scorer", "exakt", "exact"), ("reader", "jsnl", "jsonl"), ("template", "fruits", "fruit")],
)
def test_an_unknown_scorer_reader_or_template_is_found(toy, findings, key, value, meant):
    path = toy.edit("tasks/fruit.yaml", **{key: value})
    (found,) = findings()
    assert found.startswith(f"{at(path, key)}: unknown {key} {value!r} (known: ")
    assert found.endswith(f"Did you mean {meant!r}?")


@pytest.mark.parametrize("value", [".exact", "exact.", "my scorer.py"])
def test_a_scorer_that_is_no_module_path_is_found(toy, findings, value):
    path = toy.edit("tasks/fruit.yaml", scorer=value)
    (found,) = findings()
    assert found.startswith(f"{at(path, 'scorer')}: unknown scorer {value!r}")


@pytest.mark.parametrize(("key", "names"), [("train", ["fruit", "pik", "count"]), ("unseen", ["yesnoo"])])
def test_an_unknown_task_of_a_suite_is_found(toy, findings, key, names):
    path = toy.edit("tasks/suites/toy.yaml", **{key: names})
    (found,) = findings()
    wrong, meant = ("pik", "pick") if key == "train" else ("yesnoo", "yesno")
    assert found.startswith(f"{at(path, key)}: unknown task {wrong!r} (known: ")
    assert found.endswith(f"Did you mean {meant!r}?")


def edit_variant(toy, template, number, text):
    path = toy.root / "instruction_templates" / f"{template}.yaml"
    variants = yaml.safe_load(path.read_text())["variants"]
    variants[number]["text"] = text
    return toy.edit(f"instruction_templates/{template}.yaml", variants=variants)


def test_a_misspelt_variable_of_a_template_is_found_once(toy, findings):
    path = edit_variant(toy, "fruit", 1, "{{ qestion }}")
    expected = "unknown variable 'qestion' (known: choices, question). Did you mean 'question'?"
    assert findings() == [f"{at(path, 'variants', 1, 'text')}: {expected}"]


def test_a_syntax_error_of_a_template_is_found(toy, findings):
    path = edit_variant(toy, "pick", 2, "{% for c in choices %}{{ c }}")
    (found,) = findings()
    assert found.startswith(f"{at(path, 'variants', 2, 'text')}: not a valid template: ")


def test_a_template_that_fails_on_a_sample_is_found(toy, findings):
    edit_variant(toy, "fruit", 0, "{{ choices[0] }}")
    found = findings()
    path = toy.root / "tasks" / "fruit.yaml"
    assert [line.split(": template")[0] for line in found] == [
        at(path, "splits", "train"),
        at(path, "splits", "test"),
    ]
    assert all("'fruit', variant 'v0', sample 'fruit-t" in line for line in found)


def test_the_one_sample_that_a_template_fails_on_is_found(toy, findings, edit_rows):
    """Questions that come again are worded once; another set of options is another question."""
    edit_rows("pick", "test", lambda rows: rows[0].update(choices=["left", "right", "both"]))
    edit_rows("pick", "train", lambda rows: [row.update(choices=["left", "right", "both"]) for row in rows])
    edit_variant(toy, "pick", 0, "{{ question }} {{ choices[2] }}")
    (found,) = findings()
    assert "'pick', variant 'v0', sample 'pick-test-1'" in found


def test_a_broken_template_is_found_when_only_its_task_is_checked(toy):
    template = edit_variant(toy, "fruit", 1, "{{ qestion }}")
    check = Check(open_library(toy.root), toy.data)
    check.task(toy.root / "tasks" / "fruit.yaml")
    (found,) = check.findings
    assert found.startswith(at(template, "variants", 1, "text"))


def test_an_answer_form_that_is_not_the_templates_is_found(toy, findings):
    path = toy.edit("tasks/fruit.yaml", answer_form="short_answer")
    assert findings() == [
        f"{at(path, 'answer_form')}: short_answer, but template 'fruit' asks for class_name"
    ]


def test_a_missing_annotation_file_is_found(toy, findings):
    (toy.data / "pick" / "test.jsonl").unlink()
    path = toy.root / "tasks" / "pick.yaml"
    (found,) = findings()
    assert found.startswith(f"{at(path, 'splits', 'test')}: {toy.data / 'pick' / 'test.jsonl'}: no such file")


def test_an_annotation_file_outside_the_data_folder_is_found(toy, findings):
    path = toy.edit("tasks/pick.yaml", splits={"test": {"file": "../base/scripted.json"}})
    (found,) = findings()
    assert found.startswith(f"{at(path, 'splits', 'test')}: ")
    assert "lies outside" in found


def test_every_fault_of_a_row_is_a_finding_of_its_own(toy, findings, edit_rows):
    rows = edit_rows("pick", "train", lambda rows: rows[2].update(question="", answers=[]))
    where = at(toy.root / "tasks" / "pick.yaml", "splits", "train")
    assert [line.split(": String")[0].split(": Tuple")[0] for line in findings()] == [
        f"{where}: {rows}:3: question",
        f"{where}: {rows}:3: answers",
    ]


@pytest.mark.parametrize("damage", ["gone", "truncated", "text"])
def test_an_image_that_cannot_be_read_is_found(toy, findings, damage):
    image = toy.data / "count" / "test-1.png"
    data = image.read_bytes()
    image.unlink()
    if damage != "gone":
        image.write_bytes(data[:40] if damage == "truncated" else b"not a picture")
    (found,) = findings()
    where = at(toy.root / "tasks" / "count.yaml", "splits", "test")
    assert found.startswith(
        f"{where}: {toy.data / 'count' / 'test.jsonl'}:2: id count-test-1: {image}: image cannot be read ("
    )


def test_an_id_that_stands_twice_is_found(toy, findings, edit_rows):
    rows = edit_rows("count", "test", lambda rows: rows[1].update(id=rows[0]["id"]))
    where = at(toy.root / "tasks" / "count.yaml", "splits", "test")
    assert findings() == [f"{where}: {rows}:2: id count-test-0: stands twice (first at {rows}:1)"]


def test_a_wrong_count_is_found(toy, findings):
    splits = {
        "train": {"file": "fruit/train.jsonl", "count": 4},
        "test": {"file": "fruit/test.jsonl", "count": 5},
    }
    path = toy.edit("tasks/fruit.yaml", splits=splits)
    assert findings() == [
        f"{at(path, 'splits', 'test')}.count: {toy.data / 'fruit' / 'test.jsonl'}: holds 4 samples, not 5"
    ]


def test_a_wrong_hash_is_found_and_the_right_one_named(toy, findings):
    files = {split: toy.data / "fruit" / f"{split}.jsonl" for split in ("train", "test")}
    hashes = {"train": sha256_file(files["train"]), "test": "0" * 64}
    path = toy.edit(
        "tasks/fruit.yaml",
        splits={split: {"file": f"fruit/{split}.jsonl", "sha256": hashes[split]} for split in files},
    )
    where = at(path, "splits", "test")
    assert findings() == [f"{where}.sha256: {files['test']}: its hash is {sha256_file(files['test'])}"]


def test_a_file_without_samples_is_found(toy, findings):
    (toy.data / "fruit" / "test.jsonl").write_text("")
    where = at(toy.root / "tasks" / "fruit.yaml", "splits", "test")
    assert findings() == [f"{where}: {toy.data / 'fruit' / 'test.jsonl'}: holds no sample"]


def test_an_image_shared_by_train_and_test_is_found(toy, findings):
    shutil.copy(toy.data / "fruit" / "train-2.png", toy.data / "fruit" / "test-0.png")
    where = at(toy.root / "tasks" / "fruit.yaml", "splits", "test")
    row = f"{toy.data / 'fruit' / 'test.jsonl'}:1: id fruit-test-0"
    assert findings() == [f"{where}: {row}: image: shared with the train split of fruit"]


def test_an_image_shared_by_two_tasks_is_found(toy, findings):
    shutil.copy(toy.data / "fruit" / "test-2.png", toy.data / "yesno" / "test-3.png")
    where = at(toy.root / "tasks" / "yesno.yaml", "splits", "test")
    row = f"{toy.data / 'yesno' / 'test.jsonl'}:4: id yesno-test-3"
    assert findings() == [f"{where}: {row}: image: shared with the test split of fruit"]


def test_published_tasks_may_share_pictures_with_each_other_but_not_train_with_test(toy, findings):
    shutil.copy(toy.data / "fruit" / "test-2.png", toy.data / "yesno" / "test-3.png")
    path = toy.edit(
        "tasks/yesno.yaml", downloads=[{"what": "it", "url": "https://a.b", "licence": "l", "to": ""}]
    )
    assert findings() == []
    shutil.copy(toy.data / "yesno" / "train-2.png", toy.data / "yesno" / "test-0.png")
    assert [line.startswith(at(path, "splits", "test")) for line in findings()] == [True]


def test_an_image_used_again_inside_a_split_is_sound(toy, findings, edit_rows):
    edit_rows("fruit", "test", lambda rows: rows[1].update(image=rows[0]["image"]))
    assert findings() == []


def test_samples_without_images_are_sound(findings, edit_rows):
    edit_rows("fruit", "test", lambda rows: [row.pop("image") for row in rows])
    assert findings() == []


def test_an_answer_outside_the_classes_is_found(toy, findings, edit_rows):
    rows = edit_rows("fruit", "test", lambda rows: rows[3].update(answers=["Fig"]))
    where = at(toy.root / "tasks" / "fruit.yaml", "splits", "test")
    assert findings() == [f"{where}: {rows}:4: id fruit-test-3: answers: 'Fig' is none of the task's classes"]


def test_an_answer_that_breaks_the_form_is_found(toy, findings, edit_rows):
    rows = edit_rows("pick", "train", lambda rows: rows[1].update(answers=["B", "right"]))
    where = at(toy.root / "tasks" / "pick.yaml", "splits", "train")
    assert findings() == [f"{where}: {rows}:2: id pick-train-1: answers: 'right' breaks the form asked for"]


def test_a_right_answer_that_cannot_be_ranked_is_found(toy, findings):
    toy.edit("tasks/count.yaml", numerals=[1, 3])
    where = at(toy.root / "tasks" / "count.yaml", "splits", "test")
    row = f"{toy.data / 'count' / 'test.jsonl'}:4: id count-test-3"
    assert findings() == [f"{where}: {row}: candidates: none of 3 ('1' to '3') is a right answer"]


def test_a_single_allowed_answer_is_found(toy, findings, edit_rows):
    rows = edit_rows("pick", "test", lambda rows: rows[0].update(choices=["left"]))
    where = at(toy.root / "tasks" / "pick.yaml", "splits", "test")
    said = "candidates: 1 allowed answers; ranking needs two"
    assert findings() == [f"{where}: {rows}:1: id pick-test-0: {said}"]


def test_train_answers_that_cannot_be_read_are_found(toy, findings):
    toy.edit("tasks/count.yaml", candidates=["train_answers"])
    (toy.data / "count" / "train.jsonl").write_text("")
    where = at(toy.root / "tasks" / "count.yaml", "splits", "test")
    assert [line for line in findings() if line.startswith(where)] == [
        f"{where}: candidates: {toy.data / 'count' / 'train.jsonl'}: holds no sample"
    ]


def test_many_findings_of_a_kind_are_counted(toy, findings, edit_rows):
    edit_rows("pick", "test", lambda rows: [row.update(answers=["?"]) for row in rows])
    where = at(toy.root / "tasks" / "pick.yaml", "splits", "test")
    found = findings()[:4]  # then as many about the answers that are ranked
    assert all(line.startswith(f"{where}: ") for line in found)
    assert found[-1] == f"{where}: … and 1 more of this kind"


def test_a_file_that_is_no_yaml_does_not_hide_the_others(toy, findings):
    bad = toy.root / "tasks" / "pick.yaml"
    bad.write_text("name: pick\n\ttitle: x\n")
    path = toy.edit("tasks/fruit.yaml", scorer="exakt")
    found = findings()
    assert any(line.startswith(f"{bad}:2: not valid yaml: ") for line in found)
    assert any(line.startswith(at(path, "scorer")) for line in found)
    assert len(found) == 2
