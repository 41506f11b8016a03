"""What README and CONTRIBUTING tell people to type exists as it stands there; test_commands.py runs it."""

import re

import pytest
from typer.main import get_command

from cvit_bench import plugins
from cvit_bench.cli.main import app
from tests.house.documents import (
    CONTRIBUTING,
    README,
    ROOT,
    commands_below,
    commands_in_text,
    sections_with_commands,
)

LINES = [
    line
    for document in (README, CONTRIBUTING)
    for title in sections_with_commands(document)
    for line in commands_below(document, title)
] + [*commands_in_text(README), *commands_in_text(CONTRIBUTING)]
OURS = {re.sub(r"^torchrun (?:--nproc-per-node \d+ )?-m cvit_bench ", "cvit-bench ", line) for line in LINES}
COMMANDS = sorted(line for line in OURS if line.startswith("cvit-bench "))
FOREIGN = ("cvit-bench ", "make ", "hf download ", "python -m cvit_bench", "export CVIT_BENCH_DATA=")
TARGETS = sorted({line.split()[1] for line in LINES if line.startswith("make ")})


def test_documents_have_commands():
    assert {"try", "demo", "test", "fast-test", "fuzz", "proofs"} <= set(TARGETS)
    assert len(COMMANDS) >= 30


def test_no_command_is_of_a_kind_that_is_not_looked_at():
    assert [line for line in OURS if line and not line.startswith(FOREIGN)] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_command_parses(line):
    words = line.split()[1:]
    verbs = get_command(app).commands
    assert words[0] in {*verbs, "--help"}, f"no verb {words[0]}"
    verb = verbs.get(words[0], get_command(app))
    verb = getattr(verb, "commands", {}).get("".join(words[1:2]), verb)
    known = {name for option in verb.params for name in option.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("target", TARGETS)
def test_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.M)


def test_verbs_are_all_in_the_readme():
    text = README.read_text()
    assert [name for name in get_command(app).commands if f"cvit-bench {name}" not in text] == []


@pytest.mark.parametrize("name", plugins.names(plugins.METRICS))
def test_every_metric_is_explained_with_its_formula(name):
    """One row a metric: its label linked to its file, a sentence, a formula."""
    row = re.search(
        rf"^\| \[([^\]]+)\]\(cvit_bench/metrics/{name}\.py\) \| ([^|]+) \| ([^|]+) \|$",
        README.read_text(),
        flags=re.M,
    )
    assert row, f"README.md has no row for {name}"
    assert row[1] == plugins.load(plugins.METRICS, name).LABEL
