"""A split of several files: questions with references, ids that are asked, prompts, pictures, Arrow."""

import json
from pathlib import Path

import pytest
from PIL import Image

from cvit_bench.data.images import CLIP_MEAN, open_picture
from cvit_bench.data.prepared import FOLDER, prepared_path, save_prepared
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples, read_samples
from cvit_bench.data.split_files import files_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import inside
from cvit_bench.records.sample import Picture
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template

QUESTIONS = [
    {"question_id": at, "image": f"pictures/{at}.png", "text": f"Which {at}?\nSay it.", "answer": "x"}
    for at in range(4)
]
PROBLEMS = {
    str(at): {"question": f"Clean {at}?", "choices": ["up", "down"], "answer": at % 2, "split": "test"}
    for at in range(4)
}


@pytest.fixture
def asked(task, tmp_path):
    """Return a function that writes questions and makes a task on them, some keys of its split changed."""

    def make(split: dict | None = None, questions: list | None = None, **changes) -> Task:
        folder = tmp_path / "Instructions_Single"
        folder.mkdir(exist_ok=True)
        (folder / "test.json").write_text(json.dumps(questions or QUESTIONS, indent=1))
        (tmp_path / "problems.json").write_text(json.dumps(PROBLEMS))
        test = {"file": "{instructions}/test.json", "images": ".", **(split or {})}
        defaults = {"reader": "coin", "prompts": "data", "instructions": "Instructions_Single"}
        return task(test, **{**defaults, **changes})

    return make


REFERENCES = {"references": {"file": "problems.json", "reader": "scienceqa"}}


def test_references_of_another_file_replace_answers_and_bring_the_choices(asked, tmp_path):
    samples = load_samples(asked(REFERENCES), "test", tmp_path)
    assert [sample.answers for sample in samples] == [("A",), ("B",), ("A",), ("B",)]
    assert samples[0].choices == ("up", "down")
    assert (samples[0].question, samples[0].prompt) == ("Which 0?", "Which 0?\nSay it.")


def test_references_may_bring_the_question_too(asked, tmp_path):
    references = {"references": {**REFERENCES["references"], "question": True}}
    assert load_samples(asked(references), "test", tmp_path)[1].question == "Clean 1?"


def test_a_question_without_references_is_named_by_file_line_and_id(asked, tmp_path):
    task = asked(REFERENCES, [*QUESTIONS, {**QUESTIONS[0], "question_id": "9"}])
    with pytest.raises(
        CvitBenchError, match=r"test\.json:26: id 9: answer: .*problems\.json has none for id '9"
    ):
        load_samples(task, "test", tmp_path)


def test_references_may_be_joined_by_the_pictures_name(asked, tmp_path):
    coco = {
        "images": [{"id": 10 + at, "file_name": f"{at}.png"} for at in range(4)],
        "annotations": [{"image_id": 10 + at, "caption": f"It is {at}."} for at in range(4)],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    how = {"file": "coco.json", "reader": "coco_captions", "by": "image"}
    samples = load_samples(asked({"references": how}), "test", tmp_path)
    assert [sample.answers for sample in samples] == [(f"It is {at}.",) for at in range(4)]


def test_an_answer_that_nobody_has_is_named(asked, tmp_path):
    bare = [{key: value for key, value in row.items() if key != "answer"} for row in QUESTIONS]
    with pytest.raises(CvitBenchError, match=r"test\.json:2: id 0: answer: there is none"):
        load_samples(asked(questions=bare), "test", tmp_path)


def test_only_the_ids_that_are_asked_are_read(asked, tmp_path):
    (tmp_path / "ids.txt").write_text("3\n1\n")
    samples = load_samples(asked({"ids": "ids.txt"}), "test", tmp_path)
    assert [sample.id for sample in samples] == ["1", "3"]


def test_ids_are_told_apart_in_a_train_file_before_they_are_asked(asked, tmp_path):
    rows = [{**QUESTIONS[at], "question_id": name} for at, name in enumerate("abab")]
    (tmp_path / "ids.txt").write_text("a#2\nb\n")
    test = asked(None, rows).splits["test"]
    train = asked(None, rows, splits={"test": test, "train": {**test.model_dump(), "ids": "ids.txt"}})
    samples = load_samples(train, "train", tmp_path)
    assert [(sample.id, sample.question) for sample in samples] == [("b", "Which 1?"), ("a#2", "Which 2?")]


def test_an_id_is_all_of_its_line(asked, tmp_path):
    name = "a\u2028b\x85c"
    (tmp_path / "ids.txt").write_text(f"{name}\n", encoding="utf-8")
    task = asked({"ids": "ids.txt"}, [*QUESTIONS, {**QUESTIONS[0], "question_id": name}])
    assert [sample.id for sample in load_samples(task, "test", tmp_path)] == [name]


def test_ids_that_are_not_there_are_named(asked, tmp_path):
    (tmp_path / "ids.txt").write_text("3\n77\n")
    with pytest.raises(CvitBenchError, match=r"ids\.txt: 1 ids are not in .*test\.json: 77"):
        load_samples(asked({"ids": "ids.txt"}), "test", tmp_path)


def test_an_id_that_a_train_file_has_twice_is_told_apart(task, jsonl, row, tmp_path):
    jsonl(row("a"), row("b"), row("a"), row("a"))
    twice = task(splits={"train": {"file": "test.jsonl"}, "test": {"file": "test.jsonl"}})
    assert [sample.id for sample in load_samples(twice, "train", tmp_path)] == ["a", "b", "a#2", "a#3"]


def template() -> Template:
    """Return a template of two wordings."""
    texts = ("{{ question }} Briefly.", "Briefly: {{ question }}")
    return Template(
        name="pets",
        answer_form="short_answer",
        variants=[{"id": f"v{at}", "split": "train", "text": text} for at, text in enumerate(texts)],
    )


def test_prompts_of_the_data_stand_in_the_place_of_the_first_wording(asked, tmp_path):
    task = asked()
    samples = load_samples(task, "test", tmp_path)
    first, second = (build_prompts(task, template(), one, samples)[0].text for one in template().variants)
    assert (first, second) == ("Which 0?\nSay it.", "Briefly: Which 0?")


def test_prompts_of_ours_word_the_question_without_the_published_instruction(asked, tmp_path):
    task = asked(prompts="template")
    prompt = build_prompts(task, template(), template().variants[0], load_samples(task, "test", tmp_path))[0]
    assert prompt.text == "Which 0? Briefly."


def test_data_without_prompts_cannot_be_taken_at_its_word(task, jsonl, row, tmp_path):
    jsonl(row())
    wordless = task(prompts="data")
    with pytest.raises(CvitBenchError, match=r"prompts: data: .*:1 has none"):
        build_prompts(wordless, template(), template().variants[0], load_samples(wordless, "test", tmp_path))


def test_a_task_whose_files_ask_for_a_folder_of_instructions_must_name_one(asked):
    with pytest.raises(ValueError, match=r"instructions: splits\.test\.file asks for it"):
        asked(instructions=None)


def suite(**changes) -> Suite:
    """Return a suite of one task."""
    fields = {"name": "s", "version": 1, "title": "S", "description": "d", "train": ["pets"], "base": "b"}
    return Suite.model_validate({**fields, **changes})


def test_a_suite_may_ask_for_other_instructions_prompts_and_pictures(asked):
    task = asked(released_picture="model", picture="pad")
    assert suite().set_up(task) == task
    other = suite(prompts="template", instructions="Instructions_10Type", released_pictures=True).set_up(task)
    assert (other.prompts, other.instructions) == ("template", "Instructions_10Type")
    assert (other.splits["test"].picture, other.picture) == ("model", "pad")


def test_a_padded_picture_is_a_square_of_the_mean_colour_with_another_hash(encoded):
    data = encoded(Image.new("RGB", (5, 2), "red"))
    plain, padded = Picture("x", data), Picture("x", data, "pad")
    shown = open_picture(padded)
    assert shown.size == (5, 5)
    assert [shown.getpixel((2, y)) for y in range(5)] == [CLIP_MEAN, *[(255, 0, 0)] * 2, *[CLIP_MEAN] * 2]
    assert open_picture(plain).size == (5, 2)
    assert plain.sha256 != padded.sha256


def test_pictures_of_a_task_are_shown_as_it_says_and_those_of_a_split_as_that_says(asked, tmp_path):
    assert load_samples(asked(picture="pad"), "test", tmp_path)[0].picture.fit == "pad"
    assert (
        load_samples(asked({"picture": "model"}, picture="pad"), "test", tmp_path)[0].picture.fit == "model"
    )


@pytest.fixture
def prepared(asked, tmp_path, encoded):
    """A task whose test split is converted, and the samples as its own files gave them."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.png").write_bytes(encoded(Image.new("RGB", (3, 3))))
    task = asked({**REFERENCES}, [*QUESTIONS[:3], {**QUESTIONS[3], "image": None}])
    before = list(read_samples(task, "test", tmp_path))
    files = files_of(task, "test", tmp_path)
    path, count = save_prepared(files, before)
    assert (count, path.parent) == (4, tmp_path / FOLDER)
    return task, before, path


def test_what_was_converted_is_the_same(prepared, tmp_path):
    task, before, path = prepared
    path.with_suffix(".seen").touch()
    again = list(read_samples(task, "test", tmp_path))
    assert again == before
    assert [sample.place for sample in again] == [sample.place for sample in before]
    assert again[0].picture.read() == before[0].picture.read()
    assert again[3].picture is None


def test_a_changed_file_is_read_anew(prepared, tmp_path):
    task, _, path = prepared
    file = tmp_path / "Instructions_Single" / "test.json"
    file.write_text(file.read_text().replace("Which 2?", "What 2?"))
    assert load_samples(task, "test", tmp_path)[2].question == "What 2?"
    assert prepared_path(files_of(task, "test", tmp_path)) != path


def test_a_damaged_conversion_is_named(prepared, tmp_path):
    task, _, path = prepared
    path.write_bytes(b"no arrow")
    with pytest.raises(CvitBenchError, match="data prepare"):
        load_samples(task, "test", tmp_path)


def test_pictures_inside_a_table_go_along_and_are_read_when_asked(task, tmp_path, encoded):
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = encoded(Image.new("RGB", (2, 2)))
    rows = [
        {"id": str(at), "question": "?", "answers": "x", "image": data if at else None} for at in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    table = task({"file": "test.parquet"}, reader="table")
    files = files_of(table, "test", tmp_path)
    save_prepared(files, read_samples(table, "test", tmp_path))
    none, one, _ = load_samples(table, "test", tmp_path)
    assert none.picture is None
    assert one.picture.data is None
    assert one.picture.read() == data


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", "/etc/passwd", "a/../../a/x"])
@pytest.mark.parametrize("folder", [".", "here", "/tmp/here", "../there"])
def test_no_name_leads_out_of_its_folder(folder, name):
    assert inside(Path(folder), name) is None


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "a/" + "b" * 300, "\ud800", "round"])
def test_what_can_be_no_name_is_refused(tmp_path, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(ValueError, match=r"null character|too long|surrogates|loop"):
        inside(tmp_path, name)


@pytest.mark.parametrize(("name", "said"), [("a\0b", "null character"), ("a" * 300, "File name too long")])
def test_a_split_whose_file_can_have_no_such_name_is_named(task, tmp_path, name, said):
    with pytest.raises(CvitBenchError, match=rf"^task 'pets': splits\.test\.file: .*{said} \(got 'a"):
        load_samples(task({"file": name}), "test", tmp_path)


@pytest.mark.parametrize("folder", [".", "here", "/tmp/here", "../there"])
def test_a_name_may_wander_inside_its_folder(folder):
    assert inside(Path(folder), "./a/../b//c.png") == Path(folder) / "b" / "c.png"


def test_a_folder_of_pictures_may_be_linked_into_the_root(asked, tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    (elsewhere / "0.png").write_bytes(b"x")
    (tmp_path / "pictures").symlink_to(elsewhere)
    assert load_samples(asked(), "test", tmp_path)[0].picture.read() == b"x"
