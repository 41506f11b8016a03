"""A json file becomes a record, or an error that names file and key."""

import json

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.manifest import MANIFEST, Manifest, load_manifest

SOUND = {
    "schema_version": 1,
    "run": "r",
    "suite": "toy",
    "method": "lora",
    "base": {"path": "base"},
    "stages": [
        {"name": "01-fruit", "tasks": ["fruit"], "checkpoint": "stages/01-fruit"},
        {"name": "02-pick", "tasks": ["pick"], "checkpoint": "stages/02-pick"},
    ],
}


@pytest.fixture
def manifest(write):
    """Return a function that writes a manifest with some keys changed, and returns its path."""
    return lambda **changes: write(json.dumps({**SOUND, **changes}), MANIFEST)


def complaint(path):
    with pytest.raises(CvitBenchError) as caught:
        load_json(path, Manifest)
    return str(caught.value)


def stage(**changes):
    return [{**SOUND["stages"][0], **changes}]


def test_a_saved_record_reads_back_equal(tmp_path):
    record = Manifest.model_validate(SOUND)
    save_json(tmp_path / "deep" / MANIFEST, record)
    assert load_manifest(tmp_path / "deep") == record


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(write, number):
    path = write(json.dumps(SOUND)[:-1] + f', "config": {{"rate": {number}}}}}')
    assert complaint(path) == f"{path}: not valid JSON: {number} is not a number that can be kept"


def test_a_number_beyond_all_others_is_refused(write):
    path = write(json.dumps(SOUND)[:-1] + ', "config": {"rate": 1e999}}')
    assert complaint(path) == f"{path}: not valid JSON: 1e999 is too large a number"


@pytest.mark.parametrize("end", range(0, len(json.dumps(SOUND)), 7))
def test_a_truncated_file_is_an_error_at_every_length(write, end):
    path = write(json.dumps(SOUND)[:end])
    assert complaint(path).startswith(f"{path}: not valid JSON: ")


@pytest.mark.parametrize(
    ("text", "kind"), [("[]", "list"), ("null", "NoneType"), ("3", "int"), ('"x"', "str")]
)
def test_a_file_without_keys_is_refused(write, text, kind):
    path = write(text)
    assert complaint(path) == f"{path}: expected keys and values, got {kind}"


def test_nesting_without_end_is_refused(write):
    path = write("[" * 100_000)
    assert complaint(path).startswith(f"{path}: not valid JSON: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"\\ud800"', "a text holds half of a surrogate pair"),
        ('{"\\udc00": 1}', "a text holds half of a surrogate pair"),
        ("[" * 300 + "]" * 300, "nested too deeply"),
        ('{"a": ' * 300 + "1" + "}" * 300, "nested too deeply"),
    ],
    ids=["value", "key", "lists", "objects"],
)
def test_what_could_not_be_written_again_is_refused(write, text, said):
    path = write(json.dumps(SOUND)[:-1] + f', "provenance": {{"of": {text}}}}}')
    assert complaint(path) == f"{path}: not valid JSON: {said}"


def test_what_is_free_in_a_record_is_kept(write, tmp_path):
    free = {"a": [{"b": {"c": [[]]}}], "pair": "\U0001f600", "none": None}
    path = write(json.dumps({**SOUND, "provenance": free}))
    save_json(tmp_path / MANIFEST, load_json(path, Manifest))
    assert load_manifest(tmp_path).provenance == free


def test_bytes_that_are_not_utf8_are_named(write):
    assert complaint(write(b'{"run": "\xff"}')).endswith("not UTF-8 text (byte 9)")


def test_a_byte_order_mark_is_dropped(write):
    path = write(b"\xef\xbb\xbf" + json.dumps(SOUND).encode())
    assert load_json(path, Manifest).run == "r"


def test_another_schema_version_is_refused(manifest):
    path = manifest(schema_version=7)
    assert f"{path}: schema_version: this is a file of version 7; " in complaint(path)
    assert "reads Manifest files of version 1" in complaint(path)


def test_an_unknown_key_gets_a_suggestion(manifest):
    assert "sheme: unknown key 'sheme'" not in complaint(manifest(shedule="sequential"))
    assert "shedule: unknown key 'shedule'" in complaint(manifest(shedule="sequential"))
    assert "Did you mean 'schedule'?" in complaint(manifest(shedule="sequential"))


def test_an_unknown_key_of_a_stage_is_compared_with_the_keys_of_a_stage(manifest):
    message = complaint(manifest(stages=stage(chekpoint="x")))
    assert "stages.0.chekpoint: unknown key 'chekpoint' (known: checkpoint, " in message
    assert message.endswith("Did you mean 'checkpoint'?")


@pytest.mark.parametrize(
    "name",
    ["../x", "..", ".", "/etc", "a/b", "a\\b", "", ".hidden", "-x", "a\n", "a b", "é", "x" * 121, "a\0"],
)
def test_a_stage_name_that_is_no_folder_name_is_refused(manifest, name):
    assert "stages.0.name: " in complaint(manifest(stages=stage(name=name)))


@pytest.mark.parametrize("name", ["../x", "a/b", ""])
def test_run_method_and_tasks_are_names_too(manifest, name):
    for changes in ({"run": name}, {"method": name}, {"stages": stage(tasks=[name])}):
        assert "String should" in complaint(manifest(**changes))


def test_a_stage_name_stands_once(manifest):
    assert "a stage name stands twice" in complaint(manifest(stages=stage() * 2))


def test_a_stage_trained_on_something(manifest):
    assert "stages.0.tasks: " in complaint(manifest(stages=stage(tasks=[])))


@pytest.mark.parametrize("value", ["", "abc", "g" * 64, "A" * 64, "0" * 63])
def test_a_hash_has_64_hex_digits(manifest, value):
    assert "base.sha256: " in complaint(manifest(base={"path": "b", "sha256": value}))


def test_a_run_without_stages_is_sound(manifest):
    assert load_json(manifest(stages=[]), Manifest).stages == ()


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(CvitBenchError, match=r"manifest\.json: no such file"):
        load_manifest(tmp_path)
