"""Every fault of the table, provoked: what is said, the exit status, nothing lost, nothing stale."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Toy, make_toy
from tests.faults.faults import FAULTS, VALIDATE


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Toy:
    """A toy run that is evaluated, and beside it a copy that stays sound."""
    toy = make_toy(tmp_path_factory.mktemp("faults") / "toy")
    words = ["evaluate", "--run-dir", str(toy.run_dir), "--data-root", str(toy.data)]
    subprocess.run([sys.executable, "-m", "cvit_bench", *words], check=True, capture_output=True)
    shutil.copytree(toy.root, toy.root.with_name("sound"))
    return toy


@pytest.fixture
def sound(finished) -> Path:
    """The sound copy; the run itself is as it was."""
    path = finished.root.with_name("sound")
    shutil.rmtree(finished.root)
    shutil.copytree(path, finished.root)
    return path


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.kind for fault in FAULTS])
def test_a_fault_is_met(finished, sound, inside, fault):
    toy, on_toy = finished, ("--run-dir", finished.run_dir, "--data-root", finished.data)
    wanted = (toy.run_dir / "results.json").read_bytes()
    fault.harm(toy)

    words = (
        (*fault.words, toy.root, "--data-root", toy.data)
        if fault.words == VALIDATE
        else (*fault.words, *on_toy)
    )
    out, err = inside(*words, code=fault.code)
    assert fault.says in out + err
    assert "Traceback" not in out + err

    if fault.mended:
        put_right(sound, toy.root)
    inside("evaluate", *on_toy)
    assert (toy.run_dir / "results.json").read_bytes() == wanted


def put_right(sound: Path, root: Path) -> None:
    """Bring back what the user wrote: everything but predictions, scores and results."""
    made = shutil.ignore_patterns("predictions", "scores", "results.json")
    if (root / "runs" / "scripted" / "predictions").is_file():
        (root / "runs" / "scripted" / "predictions").unlink()
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        link.unlink()
    shutil.copytree(sound, root, ignore=made, dirs_exist_ok=True)
