"""A yaml file becomes a record, or an error that names file, line, key and what is known."""

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_yaml, read_text, yaml_line
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template


def complaint(path, kind=Task):
    with pytest.raises(CvitBenchError) as caught:
        load_yaml(path, kind)
    return str(caught.value)


def test_a_sound_file_becomes_a_record(write, task_text):
    task = load_yaml(write(task_text), Task)
    assert (task.name, task.classes, task.splits["test"].count) == ("fruit", ("apple", "pear"), 4)
    assert (task.source, task.max_new_tokens, task.form.max_words) == ("local", 16, 1)


def test_a_byte_order_mark_is_dropped(write, task_text):
    assert load_yaml(write(b"\xef\xbb\xbf" + task_text.encode()), Task).name == "fruit"


def test_windows_line_ends_read_the_same(write, task_text):
    assert load_yaml(write(task_text.replace("\n", "\r\n")), Task) == load_yaml(write(task_text), Task)


def test_comments_and_documents_marks_are_no_content(write, task_text):
    assert load_yaml(write(f"# a task\n---\n{task_text}"), Task).name == "fruit"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("answer_form: class_name", "answer_form: class_nam", 5, "answer_form: Input should be"),
        ("scorer: exact", "scorer: 7", 6, "scorer: Input should be a valid string (got 7)"),
        ("    count: 4", "    count: 0", 13, "splits.test.count: "),
        ("    count: 4", "    count: many", 13, "(got 'many')"),
        ("form: {max_words: 1}", "form: {max_words: 1, letters: ab}", 15, "form.letters: "),
        ("name: fruit", "name: ../fruit", 2, "(got '../fruit')"),
        ("[apple, pear]", "[apple, 3]", 14, "classes.1: "),
        ("citation: none", "citation: no", 17, "citation: Input should be a valid string (got False)"),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_key(write, task_text, old, new, line, said):
    path = write(task_text.replace(old, new))
    message = complaint(path)
    assert message.startswith(f"{path}:{line}: ")
    assert said in message


def test_an_unknown_key_gets_a_suggestion(write, task_text):
    path = write(task_text.replace("scorer:", "scorrer:"))
    assert f"{path}:6: scorrer: unknown key 'scorrer' (known: " in complaint(path)
    assert "Did you mean 'scorer'?" in complaint(path)


def test_an_unknown_key_inside_a_key_is_compared_with_the_keys_of_that_place(write, task_text):
    path = write(task_text.replace("max_words: 1", "max_word: 1"))
    (line,) = [line for line in complaint(path).splitlines() if "max_word" in line]
    assert "(known: ends_with, letters, max_words, min_words). Did you mean 'max_words'?" in line
    assert line.startswith(f"{path}:15: form.max_word: ")


def test_an_unknown_key_of_a_split_is_compared_with_the_keys_of_a_split(write, task_text):
    message = complaint(write(task_text.replace("    count: 4", "    cuont: 4")))
    assert "splits.test.cuont" in message
    assert "(known: annotations, columns, count, file, " in message
    assert "Did you mean 'count'?" in message


def test_a_missing_key_is_named(write, task_text):
    path = write(task_text.replace("licence: CC0-1.0\n", ""))
    assert complaint(path) == f"{path}:1: licence: this key is required"


def test_a_key_missing_inside_another_is_placed_at_the_outer_key(write, task_text):
    path = write(task_text.replace("    file: fruit/test.jsonl\n", ""))
    assert complaint(path) == f"{path}:11: splits.test.file: this key is required"


def test_all_problems_come_at_once(write, task_text):
    text = task_text.replace("citation: none\n", "").replace("answer_form: class_name", "answer_form: x")
    message = complaint(write(text.replace("scorer:", "scorrer:")))
    for key in ("answer_form", "scorrer", "scorer", "citation"):
        assert any(f": {key}: " in line for line in message.splitlines()), key
    assert len(message.splitlines()) == 4


def test_a_key_that_stands_twice_is_refused_with_the_second_line(write, task_text):
    path = write(f"{task_text}scorer: exact\n")
    assert complaint(path) == f"{path}:18: scorer: this key stands twice"


def test_a_key_that_stands_twice_inside_another_is_refused(write, task_text):
    path = write(task_text.replace("    count: 4", "    count: 4\n    count: 4"))
    assert complaint(path) == f"{path}:14: count: this key stands twice"


def test_aliases_are_refused_before_they_expand(write):
    bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    bomb += [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    ]
    path = write("\n".join(bomb))
    assert complaint(path) == f"{path}:2: not valid yaml: aliases are not allowed here"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: fruit\n\ttitle: Fruit\n", 2),
        ("name: fruit\ntitle: [a, b\nscorer: exact\n", 3),
        ("name: fruit\ntitle: 'open\n", 3),
        ("name: fruit\ntitle: a: b\n", 2),
        ("name: fruit\n---\nname: pear\n", 2),
        ("name: fruit\ntitle: !!python/name:os.system x\n", 2),
    ],
    ids=["tab", "open list", "open quote", "two colons", "two documents", "python name"],
)
def test_invalid_yaml_is_named_with_its_line(write, text, line):
    path = write(text)
    assert complaint(path).startswith(f"{path}:{line}: not valid yaml: ")


def test_tags_that_would_run_code_are_not_obeyed(write, task_text, tmp_path):
    mark = tmp_path / "ran"
    path = write(task_text.replace("Fruit", f"!!python/object/apply:pathlib.Path.touch [{mark}]"))
    assert f"{path}:3: title: " in complaint(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-13-45", "'2024-13-45' is no timestamp"),
        ("0x_", "'0x_' is no int"),
        ("!!int four", "'four' is no int"),
        ("!!int ''", "'' is no int"),
        ("!!float ''", "'' is no float"),
        ("!!bool perhaps", "'perhaps' is no bool"),
        ("!!timestamp today", "'today' is no timestamp"),
    ],
)
def test_a_scalar_that_yaml_cannot_convert_is_an_error_with_its_line(write, task_text, value, said):
    path = write(task_text.replace("title: Fruit", f"title: {value}"))
    assert complaint(path) == f"{path}:3: not valid yaml: {said}"


def test_nesting_without_end_is_refused(write):
    path = write("[" * 1000)
    assert complaint(path) == f"{path}: not valid yaml: nested too deeply"


def test_control_characters_are_refused(write, task_text):
    path = write(task_text.replace("Fruit", "Fr\x00uit"))
    assert complaint(path).startswith(f"{path}: not valid yaml: ")


def test_bytes_that_are_not_utf8_are_named(write):
    path = write(b"name: fr\xfcit\n")
    assert complaint(path) == f"{path}: not UTF-8 text (byte 8)"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_an_empty_file_is_called_empty(write, text):
    path = write(text)
    assert complaint(path) == f"{path}: the file is empty"


@pytest.mark.parametrize(
    ("text", "kind"), [("- a\n- b\n", "list"), ("fruit\n", "str"), ("4\n", "int"), ("---\n", "NoneType")]
)
def test_a_file_without_keys_is_refused(write, text, kind):
    path = write(text)
    assert complaint(path) == f"{path}: expected keys and values, got {kind}"


@pytest.mark.parametrize("version", ["2", "0", "'1'", "null"])
def test_a_file_of_another_schema_version_is_refused_without_reading_on(write, task_text, version):
    path = write(task_text.replace("schema_version: 1", f"schema_version: {version}\nfuture_key: 1"))
    message = complaint(path)
    assert message.startswith(f"{path}: schema_version: this is a file of version ")
    assert "reads Task files of version 1" in message
    assert "future_key" not in message


def test_a_file_without_schema_version_is_of_the_current_one(write, task_text):
    assert load_yaml(write(task_text.replace("schema_version: 1\n", "")), Task).schema_version == 1


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    assert complaint(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: no such file"
    assert complaint(tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("splits",), 9),
        (("splits", "train"), 10),
        (("splits", "test"), 11),
        (("splits", "test", "count"), 13),
        (("splits", "test", "sha256"), 11),
        (("classes", 1), 14),
        (("elsewhere",), 1),
        ((), 1),
    ],
)
def test_the_line_of_a_place_is_the_line_of_its_key(write, task_text, place, line):
    assert yaml_line(write(task_text), place) == line


def test_a_list_in_block_style_has_the_line_of_each_item(write):
    path = write("variants:\n  - id: v0\n    text: |\n      a\n      b\n  - id: v1\n    text: c\n")
    lines = [yaml_line(path, ("variants", at, "text")) for at in (0, 1)]
    assert lines == [3, 7]


def test_text_is_read_as_utf8_whatever_the_locale(write, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert read_text(write("Grün – 猫")) == "Grün – 猫"


def test_a_task_needs_a_test_split(write, task_text):
    text = task_text.replace("  test:\n    file: fruit/test.jsonl\n    count: 4\n", "")
    assert "splits: a task needs a test split (it has: train)" in complaint(write(text))


def test_a_task_knows_no_split_by_another_name(write, task_text):
    assert "splits.eval" in complaint(write(task_text.replace("  train:", "  eval:")))


def test_a_class_stands_once(write, task_text):
    assert "a class stands twice" in complaint(write(task_text.replace("[apple, pear]", "[apple, apple]")))


def test_word_limits_that_contradict_each_other_are_refused(write, task_text):
    text = task_text.replace("{max_words: 1}", "{min_words: 3, max_words: 1}")
    assert "min_words 3 is larger than max_words 1" in complaint(write(text))


SUITE = "name: toy\nversion: 1\ntitle: T\ndescription: D\nbase: b\ntrain: [fruit, pick]\nunseen: [yesno]\n"
TEMPLATE = """\
name: fruit
answer_form: class_name
variants:
  - {id: v0, split: train, text: a}
  - {id: v1, split: train, text: b}
  - {id: h0, split: heldout, text: c}
"""


def test_a_suite_lists_train_tasks_before_unseen_ones(write):
    assert load_yaml(write(SUITE), Suite).tasks == ("fruit", "pick", "yesno")


@pytest.mark.parametrize(
    ("old", "new"), [("[yesno]", "[fruit]"), ("[fruit, pick]", "[fruit, fruit]"), ("[yesno]", "[a, a]")]
)
def test_a_task_stands_once_in_a_suite(write, old, new):
    assert "a task stands twice: " in complaint(write(SUITE.replace(old, new)), Suite)


def test_a_suite_trains_something(write):
    assert "train: " in complaint(write(SUITE.replace("[fruit, pick]", "[]")), Suite)


def test_a_template_splits_its_variants(write):
    template = load_yaml(write(TEMPLATE), Template)
    assert [variant.id for variant in template.variants_of("train")] == ["v0", "v1"]
    assert [variant.id for variant in template.variants_of("heldout")] == ["h0"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: v1", "id: v0", "an id stands twice: v0"),
        ("{id: v0, split: train", "{id: v0, split: heldout", "the first variant must be of the train split"),
        ("split: heldout", "split: test", "variants.2.split: "),
        ("text: b", "text: ''", "variants.1.text: "),
    ],
)
def test_a_template_with_unsound_variants_is_refused(write, old, new, said):
    assert said in complaint(write(TEMPLATE.replace(old, new)), Template)


def test_records_cannot_be_changed(write, task_text):
    task = load_yaml(write(task_text), Task)
    with pytest.raises(ValueError, match="frozen"):
        task.name = "other"
