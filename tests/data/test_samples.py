"""A split is the right file, unchanged, with every id once."""

import pytest

from cvit_bench.data.samples import check_ids, load_samples, split_file
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file
from cvit_bench.records.sample import Sample


def names(samples):
    return [sample.id for sample in samples]


def test_samples_come_in_file_order(task, jsonl, row, tmp_path):
    jsonl(row("b"), row("a"), row("c"))
    assert names(load_samples(task(), "test", tmp_path)) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("limit", "expected"), [(1, ["b"]), (2, ["b", "a"]), (9, ["b", "a", "c"]), (None, ["b", "a", "c"])]
)
def test_a_limit_keeps_the_first(task, jsonl, row, tmp_path, limit, expected):
    jsonl(row("b"), row("a"), row("c"))
    assert names(load_samples(task(), "test", tmp_path, limit)) == expected


def test_a_missing_file_is_named_with_its_task_and_the_option_that_moves_it(task, tmp_path):
    with pytest.raises(CvitBenchError) as caught:
        load_samples(task(), "test", tmp_path)
    path = tmp_path / "test.jsonl"
    assert (
        str(caught.value) == f"{path}: no such file (task 'pets', test split; --data-root names the folder)"
    )


def test_a_split_that_the_task_lacks_is_named(task, tmp_path):
    with pytest.raises(CvitBenchError, match=r"task 'pets' has no train split \(known: test\)"):
        load_samples(task(), "train", tmp_path)


def test_a_file_of_the_pinned_hash_is_read(task, jsonl, row, tmp_path):
    path = jsonl(row())
    assert names(load_samples(task({"sha256": sha256_file(path)}), "test", tmp_path)) == ["a"]


def test_a_file_changed_by_one_byte_is_refused(task, jsonl, row, tmp_path):
    path = jsonl(row())
    pinned = task({"sha256": sha256_file(path)})
    path.write_bytes(path.read_bytes().replace(b"cat", b"car"))
    with pytest.raises(
        CvitBenchError, match=r"test\.jsonl: the file differs .*'pets' names \(splits\.test\.sha256\)"
    ):
        load_samples(pinned, "test", tmp_path)


def test_an_id_that_stands_twice_is_named(task, jsonl, row, tmp_path):
    path = jsonl(row("a"), row("b"), row("a"), row("c"), row("c"), row("c"))
    with pytest.raises(CvitBenchError) as caught:
        load_samples(task(), "test", tmp_path)
    assert str(caught.value) == f"{path}: id: stands twice: a, c"


def test_ids_that_stand_once_are_fine(tmp_path):
    check_ids(tmp_path, [Sample(str(number), "?", ("x",)) for number in range(100)])


@pytest.mark.parametrize("lines", [(), (b"", b"  ")])
def test_a_file_without_samples_is_refused(task, jsonl, tmp_path, lines):
    path = jsonl(*lines)
    with pytest.raises(CvitBenchError) as caught:
        load_samples(task(), "test", tmp_path)
    assert str(caught.value) == f"{path}: holds no sample"


@pytest.mark.parametrize("file", ["../test.jsonl", "a/../../test.jsonl", "/etc/passwd"])
def test_a_file_outside_the_root_is_refused(task, jsonl, row, tmp_path, file):
    jsonl(row())
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(CvitBenchError, match=r"splits\.test\.file: .* lies outside"):
        load_samples(task({"file": file}), "test", root)


def test_a_link_that_leads_outside_the_root_is_refused(task, jsonl, row, tmp_path):
    target = jsonl(row())
    root = tmp_path / "root"
    root.mkdir()
    (root / "test.jsonl").symlink_to(target)
    with pytest.raises(CvitBenchError, match="lies outside"):
        load_samples(task(), "test", root)


def test_a_folder_in_place_of_the_file_is_no_file(task, tmp_path):
    (tmp_path / "test.jsonl").mkdir()
    with pytest.raises(CvitBenchError, match="no such file"):
        load_samples(task(), "test", tmp_path)


def test_the_root_comes_from_the_option_or_else_from_the_environment(task, jsonl, row, tmp_path, monkeypatch):
    jsonl(row("option"), name="option/test.jsonl")
    jsonl(row("variable"), name="variable/test.jsonl")
    monkeypatch.setenv("CVIT_BENCH_DATA", str(tmp_path / "variable"))
    assert names(load_samples(task(), "test", tmp_path / "option")) == ["option"]
    assert names(load_samples(task(), "test")) == ["variable"]
    monkeypatch.delenv("CVIT_BENCH_DATA")
    monkeypatch.chdir(tmp_path / "option")
    assert names(load_samples(task(), "test")) == ["option"]


def test_an_embedded_task_ignores_the_root(task, tmp_path):
    embedded = task({"file": "mini_numbers/test.parquet"}, source="embedded", reader="parquet")
    assert split_file(embedded, "test", tmp_path).is_file()
    assert len(load_samples(embedded, "test", tmp_path, limit=2)) == 2


def test_an_unknown_reader_gets_a_suggestion(task, jsonl, row, tmp_path):
    jsonl(row())
    with pytest.raises(CvitBenchError, match=r"unknown reader 'jsonll' .* Did you mean 'jsonl'"):
        load_samples(task(reader="jsonll"), "test", tmp_path)
