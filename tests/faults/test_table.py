"""The README of this folder says what the tests of it provoke, no more and no less."""

from pathlib import Path

import pytest
from tabulate import tabulate

from tests.faults.elsewhere import ELSEWHERE
from tests.faults.faults import FAULTS
from tests.faults.kills import KILLS

TABLE = Path(__file__).with_name("README.md")
TESTS = TABLE.parents[1]
FAULTS_TEXT = """# Faults

Written by `test_table.py` from what the tests of this folder run through; none of it is mocked.

## Files, data, settings

Each is provoked on a finished run (`test_faults.py`). For every one: one message that names the file, no
trace, nothing finished is lost, and the next `evaluate` ends with the same bytes.
"""
KILLS_TEXT = """## Killed at a write

A process is killed while it syncs a file, by SIGTERM and by SIGKILL (`test_kills.py`). By SIGTERM it says
that the same command resumes, exits 143 and leaves nothing half-written. After both: answers that stood in
whole lines are kept, the next call exits 0, and everything is what a calm call makes, to the byte.
"""
ELSEWHERE_TEXT = """## Provoked where it belongs

Faults of one part are provoked beside that part's other tests.
"""


def faults_table() -> str:
    how = {True: "put right by the user", False: "by itself"}
    rows = [(number, fault.kind, f"`{fault.words[0]}`", fault.code, how[fault.mended])
            for number, fault in enumerate(FAULTS, start=1)]  # fmt: skip
    return tabulate(rows, ("", "fault", "met by", "exit", "mended"), tablefmt="pipe")


def kills_table() -> str:
    first = len(FAULTS) + 1
    rows = [(number, f"`{kill.verb}`", kill.phase) for number, kill in enumerate(KILLS, start=first)]
    return tabulate(rows, ("", "command", "killed while"), tablefmt="pipe")


def elsewhere_table() -> str:
    first = len(FAULTS) + len(KILLS) + 1
    rows = [(number, one.kind, one.outcome, f"`{one.test.partition('::')[0]}`", one.note)
            for number, one in enumerate(ELSEWHERE, start=first)]  # fmt: skip
    return tabulate(rows, ("", "fault", "outcome", "test", ""), tablefmt="pipe")


def test_the_table_says_what_is_tested():
    parts = (
        FAULTS_TEXT, faults_table(), KILLS_TEXT, kills_table(), ELSEWHERE_TEXT, elsewhere_table()
    )  # fmt: skip
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    if not TABLE.exists() or TABLE.read_text() != text:
        TABLE.write_text(text)
        pytest.fail(f"{TABLE.name} did not say what is tested; it does now")


@pytest.mark.parametrize("one", ELSEWHERE, ids=lambda one: one.kind)
def test_what_is_tested_elsewhere_is_there(one):
    file, _, name = one.test.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text()


def test_no_kind_stands_twice():
    kinds = [one.kind for one in (*FAULTS, *ELSEWHERE)] + [f"{kill.verb}: {kill.phase}" for kill in KILLS]
    assert len(set(kinds)) == len(kinds) >= 40
