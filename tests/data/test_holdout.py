"""Validation samples of a task that has no file for them: a fixed share of its train file."""

import pytest

from cvit_bench.data.samples import is_held_out, load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file

NUM_SAMPLES = 500


@pytest.fixture
def pets(task, jsonl, row):
    """Return a task with a train file of many samples and a test file of one."""
    jsonl(row("only"))
    jsonl(*(row(f"s{at}") for at in range(NUM_SAMPLES)), name="train.jsonl")
    return task(splits={"train": {"file": "train.jsonl"}, "test": {"file": "test.jsonl"}})


def names(task, split, root, **more):
    return [sample.id for sample in load_samples(task, split, root, **more)]


def test_both_parts_are_disjoint_and_together_the_whole_file_in_its_order(pets, tmp_path):
    whole = names(pets, "train", tmp_path)
    rest, held = (names(pets, split, tmp_path, holdout=0.2) for split in ("train", "val"))
    assert set(rest).isdisjoint(held)
    assert [name for name in whole if name in {*rest, *held}] == whole
    assert [name for name in whole if name in held] == held
    assert 0.15 < len(held) / NUM_SAMPLES < 0.25


def test_the_test_split_knows_nothing_of_it(pets, tmp_path):
    assert names(pets, "test", tmp_path, holdout=0.9) == ["only"]


def test_the_id_alone_decides(pets, jsonl, row, tmp_path):
    held = names(pets, "val", tmp_path, holdout=0.2)
    jsonl(*(row(f"s{at}") for at in reversed(range(0, NUM_SAMPLES, 2))), name="train.jsonl")
    fewer = names(pets, "val", tmp_path, holdout=0.2)
    assert fewer == [name for name in reversed(held) if int(name[1:]) % 2 == 0]


def test_a_larger_share_holds_out_what_a_smaller_one_does():
    held = [
        {f"s{at}" for at in range(NUM_SAMPLES) if is_held_out(f"s{at}", share)} for share in (0, 0.1, 0.3)
    ]
    assert held[0] == set()
    assert held[1] < held[2]


def test_the_choice_is_the_same_on_every_machine():
    assert [at for at in range(30) if is_held_out(f"s{at}", 0.2)] == [7, 8, 13, 23, 25]


def test_a_limit_counts_what_is_left(pets, tmp_path):
    rest = names(pets, "train", tmp_path, holdout=0.2)
    assert names(pets, "train", tmp_path, limit=7, holdout=0.2) == rest[:7]


def test_a_file_of_its_own_is_what_is_held_out_and_nothing_is_removed(pets, jsonl, row, tmp_path):
    path = jsonl(row("v0"), row("v1"), name="val.jsonl")
    splits = {**pets.model_dump()["splits"], "val": {"file": "val.jsonl", "sha256": sha256_file(path)}}
    own = type(pets).model_validate({**pets.model_dump(), "splits": splits})
    assert names(own, "val", tmp_path, holdout=0.2) == ["v0", "v1"] == names(own, "val", tmp_path)
    assert len(names(own, "train", tmp_path, holdout=0.2)) == NUM_SAMPLES


def test_without_a_holdout_there_is_no_val_split(pets, tmp_path):
    with pytest.raises(CvitBenchError, match=r"task 'pets' has no val split \(known: test, train\)"):
        load_samples(pets, "val", tmp_path)


@pytest.mark.parametrize(("split", "share"), [("val", 1e-9), ("train", 1 - 1e-9)])
def test_a_share_that_leaves_a_part_empty_is_named(pets, tmp_path, split, share):
    with pytest.raises(
        CvitBenchError, match=rf"train\.jsonl: holds no sample for the {split} split with --ho"
    ):
        load_samples(pets, split, tmp_path, holdout=share)
