"""Every fault of the table, provoked: what is said, the exit status, nothing lost, nothing stale."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Toy, make_toy
from tests.faults.faults import FAULTS, VALIDATE, Fault
from tests.faults.malice import MALICE, secret

SECRET = "the password is hunter2\n"


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


def words_of(fault: Fault, toy: Toy) -> list[object]:
    """Return the command that meets a fault; one without places of its own gets those of the run."""
    if any("{" in word for word in fault.words):
        return [word.format(root=toy.root) for word in fault.words]
    if fault.words == VALIDATE:
        return [*fault.words, toy.root, "--data-root", toy.data]
    return [*fault.words, "--run-dir", toy.run_dir, "--data-root", toy.data]


@pytest.mark.parametrize("fault", [*FAULTS, *MALICE], ids=lambda fault: fault.kind)
def test_a_fault_is_met(finished, sound, inside, fault):
    toy, on_toy = finished, ("--run-dir", finished.run_dir, "--data-root", finished.data)
    wanted = (toy.run_dir / "results.json").read_bytes()
    secret(toy).write_text(SECRET)
    fault.harm(toy)

    out, err = inside(*words_of(fault, toy), code=fault.code)
    assert fault.says in out + err
    assert "Traceback" not in out + err
    assert_nothing_got_out(toy, out + err)

    if fault.mended:
        put_right(sound, toy.root)
    inside("evaluate", *on_toy)
    assert (toy.run_dir / "results.json").read_bytes() == wanted


def assert_nothing_got_out(toy: Toy, said: str) -> None:
    """A file elsewhere is neither told nor changed, the terminal gets text, pages hold no foreign script."""
    assert secret(toy).read_text() == SECRET
    assert not secret(toy).with_name("nothing").exists()
    assert not secret(toy).with_name("empty").exists() or not secret(toy).with_name("empty").read_bytes()
    assert "hunter2" not in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)
    for page in toy.root.rglob("*.html"):
        text = page.read_text()
        assert "hunter2" not in text
        assert "<script>alert" not in text
        assert "\x1b" not in text
        assert not re.search(r"<img[^>]+onerror", text)


def put_right(sound: Path, root: Path) -> None:
    """Bring back what the user wrote: everything but predictions, scores and results."""
    made = shutil.ignore_patterns("predictions", "scores", "results.json")
    if (root / "runs" / "scripted" / "predictions").is_file():
        (root / "runs" / "scripted" / "predictions").unlink()
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        link.unlink()
    shutil.copytree(sound, root, ignore=made, dirs_exist_ok=True)
