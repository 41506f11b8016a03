"""A written file is whole or absent; a hash depends on names and bytes, not on order or place."""

import hashlib

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import (
    canonical_json,
    replacing,
    sha256_bytes,
    sha256_file,
    sha256_files,
    sha256_json,
    write_bytes,
    write_text,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(path, error):
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error


def test_text_is_written_as_utf8_into_folders_that_do_not_exist_yet(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    write_text(path, "Grün\n")
    assert path.read_bytes() == "Grün\n".encode()
    assert names(path.parent) == ["c.txt"]


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "x"
    write_bytes(path, b"a long old content")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


def test_a_written_file_may_be_read_by_others(tmp_path):
    write_text(tmp_path / "x", "")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_the_old_file_survives_a_write_that_fails(tmp_path, error):
    path = tmp_path / "x"
    write_text(path, "old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_nothing_is_visible_before_the_end(tmp_path):
    path = tmp_path / "x"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"


def test_a_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path):
    path = tmp_path / "x"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert (path.read_text(), names(tmp_path)) == ("old", ["x"])


def test_a_parent_that_is_a_file_is_an_error_with_a_message(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "deep" / "x"):
        with pytest.raises(CvitBenchError, match=r"x: cannot be written \("):
            write_text(path, "y")


def test_a_target_that_is_a_folder_is_an_error_and_leaves_no_part(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(CvitBenchError, match=r"x: cannot be written \("):
        write_text(tmp_path / "x", "y")
    assert names(tmp_path) == ["x"]


def test_a_name_too_long_for_the_file_system_is_an_error(tmp_path):
    with pytest.raises(CvitBenchError, match="cannot be written"):
        write_text(tmp_path / ("x" * 300), "y")
    assert names(tmp_path) == []


def test_a_temporary_file_that_went_away_is_an_error(tmp_path):
    with pytest.raises(CvitBenchError, match="cannot be written"), replacing(tmp_path / "x") as temporary:
        temporary.unlink()
    assert names(tmp_path) == []


def test_hashes_are_those_of_the_standard(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "x").write_bytes(data)
    assert sha256_file(tmp_path / "x") == sha256_bytes(data) == hashlib.sha256(data).hexdigest()


def test_a_file_that_is_not_there_has_no_hash(tmp_path):
    with pytest.raises(CvitBenchError, match="cannot be read"):
        sha256_file(tmp_path / "x")


def test_a_hash_of_files_depends_on_names_and_bytes_only(tmp_path):
    digests = []
    for folder, files in (
        ("a", {"x": b"1", "y": b"2"}),
        ("b", {"y": b"2", "x": b"1"}),
        ("c", {"x": b"2", "y": b"1"}),
        ("d", {"x": b"1", "z": b"2"}),
        ("e", {"x": b"12", "y": b""}),
    ):
        (tmp_path / folder).mkdir()
        for name, data in files.items():
            (tmp_path / folder / name).write_bytes(data)
        digests.append(sha256_files((tmp_path / folder).iterdir(), tmp_path / folder))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_equal_values_have_equal_json():
    assert canonical_json({"b": [1, "é"], "a": None}) == canonical_json({"a": None, "b": (1, "é")})
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert sha256_json(["ab", "c"]) != sha256_json(["a", "bc"])


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_have_no_json(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": number})
