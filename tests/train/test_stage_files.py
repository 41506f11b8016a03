"""A stage folder appears whole or not at all, and is reused only for what it was made from."""

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import save_json
from cvit_bench.train.stage_files import TRAINING, StageTraining, finished_stage, remove_stages, stage_folder

ORIGIN, OTHER = "a" * 64, "b" * 64
RECORD = StageTraining(origin=ORIGIN, data_sha256=OTHER, steps=2, samples=8, losses=(1.5, 1.25))


@pytest.fixture
def folder(tmp_path):
    """Where a stage goes; the folders around it do not exist yet."""
    return tmp_path / "run" / "stages" / "01-fruit"


def write(folder, error=None):
    with stage_folder(folder) as temporary:
        (temporary / "adapter_model.safetensors").write_bytes(b"weights")
        if error is not None:
            raise error
        save_json(temporary / TRAINING, RECORD)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_stage_appears_whole_and_only_at_the_end(folder):
    with stage_folder(folder) as temporary:
        (temporary / "part").write_text("")
        assert not folder.exists()
    assert names(folder) == ["part"]


def test_a_stage_holds_what_was_written_and_may_be_read_by_others(folder):
    write(folder)
    assert names(folder.parent) == ["01-fruit"]
    assert names(folder) == ["adapter_model.safetensors", TRAINING]
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), CvitBenchError("x"), KeyboardInterrupt(), SystemExit(130)]
)
def test_a_stage_whose_writer_fails_does_not_appear_and_leaves_nothing(folder, error):
    with pytest.raises(type(error)):
        write(folder, error)
    assert names(folder.parent) == []


def test_a_disk_that_is_full_is_an_error_with_a_message(folder):
    with pytest.raises(CvitBenchError, match=r"01-fruit: cannot be written \(No space left on device\)"):
        write(folder, OSError(28, "No space left on device"))
    assert names(folder.parent) == []


def test_a_stage_that_is_there_already_is_not_overwritten(folder):
    write(folder)
    (folder / "adapter_model.safetensors").write_bytes(b"first")
    with pytest.raises(CvitBenchError, match="01-fruit: cannot be written"):
        write(folder)
    assert (folder / "adapter_model.safetensors").read_bytes() == b"first"
    assert names(folder.parent) == ["01-fruit"]


def test_a_stage_that_is_not_there_is_yet_to_be_trained(folder):
    assert finished_stage(folder, ORIGIN) is None


def test_a_finished_stage_of_the_same_origin_is_kept(folder):
    write(folder)
    assert finished_stage(folder, ORIGIN) == RECORD


def test_a_finished_stage_of_another_origin_is_refused_and_kept(folder):
    write(folder)
    with pytest.raises(
        CvitBenchError, match=r"01-fruit: was trained with other settings.*--fresh trains anew"
    ):
        finished_stage(folder, OTHER)
    assert finished_stage(folder, ORIGIN) == RECORD


@pytest.mark.parametrize("content", [None, "", "{}", '{"origin": "x"}'])
def test_a_folder_that_training_did_not_finish_is_refused(folder, content):
    write(folder)
    (folder / TRAINING).unlink()
    if content is not None:
        (folder / TRAINING).write_text(content)
    with pytest.raises(CvitBenchError, match=r"training\.json: "):
        finished_stage(folder, ORIGIN)


def test_removing_stages_removes_finished_and_left_over_ones_only(folder):
    write(folder)
    left = folder.parent / ".02-pick.abc.part"
    left.mkdir()
    (left / "adapter_config.json").write_text("{}")
    run = folder.parent.parent
    (run / "manifest.json").write_text("{}")
    remove_stages(run)
    assert names(run) == ["manifest.json"]


def test_removing_stages_that_are_not_there_is_no_fault(tmp_path):
    remove_stages(tmp_path / "run")
    assert not (tmp_path / "run").exists()
