"""What the README tells people to type exists as it stands there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cvit_bench import plugins
from cvit_bench.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```(?:sh|bash|console)\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)
LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
DISTRIBUTED = re.compile(r"^torchrun (?:--nproc-per-node \d+ )?-m cvit_bench ")
OURS = {DISTRIBUTED.sub("cvit-bench ", line) for line in LINES}
COMMANDS = sorted(line for line in OURS if line.startswith("cvit-bench "))
FOREIGN = ("cvit-bench ", "make ", "hf download ")
TARGETS = sorted({line.split()[1] for line in LINES if line.startswith("make ")})


def test_readme_has_commands():
    assert {"demo", "test"} <= set(TARGETS)
    assert len(COMMANDS) >= 5


def test_no_command_is_of_a_kind_that_is_not_looked_at():
    assert [line for line in OURS if line and not line.startswith(FOREIGN)] == []


@pytest.mark.parametrize("line", ["cvit-bench list methods"])
def test_a_command_that_needs_nothing_runs(line, inside):
    assert line in COMMANDS
    assert "smolora" in inside(*line.split()[1:])[0]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_parses(line):
    words = line.split()[1:]
    verbs = get_command(app).commands
    assert words[0] in verbs, f"no verb {words[0]}"
    verb = verbs[words[0]]
    verb = getattr(verb, "commands", {}).get("".join(words[1:2]), verb)
    known = {name for option in verb.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("target", TARGETS)
def test_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.M)


def test_verbs_are_all_in_the_readme():
    text = (ROOT / "README.md").read_text()
    assert [name for name in get_command(app).commands if f"cvit-bench {name}" not in text] == []


@pytest.mark.parametrize("name", plugins.names(plugins.METRICS))
def test_every_metric_is_explained_with_its_formula(name):
    """One row a metric: its label linked to its file, a sentence, a formula."""
    row = re.search(
        rf"^\| \[([^\]]+)\]\(cvit_bench/metrics/{name}\.py\) \| ([^|]+) \| ([^|]+) \|$",
        (ROOT / "README.md").read_text(),
        flags=re.M,
    )
    assert row, f"README.md has no row for {name}"
    assert row[1] == plugins.load(plugins.METRICS, name).LABEL
