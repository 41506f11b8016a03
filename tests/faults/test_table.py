"""The README of this folder says what the tests of it provoke, no more and no less."""

from pathlib import Path

import pytest
from tabulate import tabulate

from tests.faults.elsewhere import ELSEWHERE
from tests.faults.faults import FAULTS, Fault
from tests.faults.kills import KILLS
from tests.faults.malice import MALICE
from tests.faults.surroundings import SURROUNDINGS

TABLE = Path(__file__).with_name("README.md")
TESTS = TABLE.parents[1]
FAULTS_TEXT = """# Faults

Written by `test_table.py` from what the tests of this folder run through; none of it is mocked.

## Files, data, settings

Each is provoked on a finished run (`test_faults.py`). For every one: one message that names the file, no
trace, nothing finished is lost, and the next `evaluate` ends with the same bytes.
"""
KILLS_TEXT = """## Killed

A process is killed while it syncs a file, opens one or removes a folder, by SIGTERM and by SIGKILL
(`test_kills.py`). By SIGTERM it says once that the same command resumes, exits 143 and leaves nothing
half-written. After both: answers that stood in whole lines are kept, so are finished stages and the last save
of one in training, the next call exits 0, and everything is what a calm call makes, to the byte, with nothing
left beside it.
"""
ELSEWHERE_TEXT = """## Provoked where it belongs

Faults of one part are provoked beside that part's other tests.
"""


MALICE_TEXT = """## Malice

Files that mean harm, provoked and put right like the faults above. For every one: nothing outside is shown or
changed, no control character reaches the terminal, no script of theirs a page.
"""
SURROUNDINGS_TEXT = """## Surroundings

A command is called in other surroundings (`test_surroundings.py`): the same bytes come of it, or one message.
"""
SIZES = [len(FAULTS), len(MALICE), len(KILLS), len(SURROUNDINGS), len(ELSEWHERE)]


def numbered(table: int, rows: list[tuple[object, ...]], *names: str) -> str:
    """Return a table whose numbers go on from the one before."""
    first = sum(SIZES[:table]) + 1
    return tabulate(
        [(number, *row) for number, row in enumerate(rows, start=first)], ("", *names), tablefmt="pipe"
    )


def faults_table(table: int, faults: list[Fault]) -> str:
    how = {True: "put right by the user", False: "by itself"}
    rows = [(fault.kind, f"`{fault.words[0]}`", fault.code, how[fault.mended]) for fault in faults]
    return numbered(table, rows, "fault", "met by", "exit", "mended")


def text_of_table() -> str:
    kills = [(f"`{kill.verb}`", kill.phase) for kill in KILLS]
    around = [(one.kind, one.code) for one in SURROUNDINGS]
    elsewhere = [
        (one.kind, one.outcome, f"`{one.test.partition('::')[0]}`", one.note) for one in ELSEWHERE
    ]  # fmt: skip
    parts = (
        FAULTS_TEXT, faults_table(0, FAULTS),
        MALICE_TEXT, faults_table(1, MALICE),
        KILLS_TEXT, numbered(2, kills, "command", "killed while"),
        SURROUNDINGS_TEXT, numbered(3, around, "surroundings", "exit"),
        ELSEWHERE_TEXT, numbered(4, elsewhere, "fault", "outcome", "test", ""),
    )  # fmt: skip
    return "\n\n".join(part.strip() for part in parts) + "\n"


def test_the_table_says_what_is_tested():
    text = text_of_table()
    if not TABLE.exists() or TABLE.read_text() != text:
        TABLE.write_text(text)
        pytest.fail(f"{TABLE.name} did not say what is tested; it does now")


@pytest.mark.parametrize("one", ELSEWHERE, ids=lambda one: one.kind)
def test_what_is_tested_elsewhere_is_there(one):
    file, _, name = one.test.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text()


def test_no_kind_stands_twice():
    kinds = [one.kind for one in (*FAULTS, *MALICE, *SURROUNDINGS, *ELSEWHERE)] + [
        f"{kill.verb}: {kill.phase}" for kill in KILLS
    ]
    assert len(set(kinds)) == len(kinds) >= 40
