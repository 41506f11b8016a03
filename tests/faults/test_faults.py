"""Every fault of the table, provoked: what is said, the exit status, nothing lost, nothing stale."""

import shutil
from pathlib import Path

import pytest
from tabulate import tabulate

from tests.faults.faults import FAULTS, VALIDATE

TABLE = Path(__file__).with_name("README.md")
ABOUT = """# Faults

`test_faults.py` provokes each of these on a finished run and writes this table. For every one: one message
that names the file, no trace, nothing finished is lost, and the next `evaluate` ends with the same bytes.
"""


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.kind for fault in FAULTS])
def test_a_fault_is_met(toy, inside, tmp_path, fault):
    on_toy = ("--run-dir", toy.run_dir, "--data-root", toy.data)
    inside("evaluate", *on_toy)
    wanted = (toy.run_dir / "results.json").read_bytes()
    sound = tmp_path / "sound"
    shutil.copytree(toy.root, sound)
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


def test_the_table_says_what_is_tested():
    how = {True: "put right by the user", False: "by itself"}
    rows = [
        (number, fault.kind, f"`{fault.words[0]}`", fault.code, how[fault.mended])
        for number, fault in enumerate(FAULTS, start=1)
    ]
    table = tabulate(rows, ("", "fault", "met by", "exit", "mended"), tablefmt="pipe")
    text = f"{ABOUT}\n{table}\n"
    if not TABLE.exists() or TABLE.read_text() != text:
        TABLE.write_text(text)
        pytest.fail(f"{TABLE.name} did not say what is tested; it does now")
