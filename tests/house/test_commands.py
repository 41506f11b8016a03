"""Every command of README runs, one after another, as a reader would type them in an empty folder.

They are taken out of README's text and given smaller work by options at their end (`LESS`): a suite called
mini of two tasks, one step a stage, one sample a task. `STAND_INS` says what stands for the names of a
reader's own files. What cannot be run here stands in `ELSEWHERE`: why, and how far it is followed.
"""

import json
import os
import re
import shlex
import subprocess
import sys

import peft
import pytest
import torch
import yaml

from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.records.manifest import load_manifest
from cvit_bench.resources import embedded_base
from tests.house.documents import README, ROOT, blocks, commands_below, section, sections_with_commands
from tests.published import miniature
from tests.published.old_answers import write_tree

SMALL = {
    "schema_version": 1, "name": "mini", "version": 1, "title": "Mini", "description": "Two tasks of mini.",
    "train": ["mini_geo", "mini_read"], "unseen": ["mini_shapes"], "base": "embedded:mini",
    "training": {"steps": 1, "batch_size": 2, "learning_rate": 0.002},
    "adapter": {"rank": 8, "alpha": 16, "dropout": 0, "a_init": "kaiming"},
}  # fmt: skip
SUITE = "small/tasks/suites/mini.yaml"
ON_MINIATURE = (
    "--base embedded:mini --stages 2 --set training.steps=1 --set training.batch_size=2"
    " --set training.micro_batch=2 --set training.checkpointing=false"
    " --set adapter.rank=8 --set adapter.alpha=16"
)
ELSEWHERE = {
    r"^make (try|demo|test)$": "installs an environment and takes minutes: its steps are printed",
    r"^hf download ": "a network and 14 GB: its options are looked up",
    r"--executor ray": "a Ray cluster: planned; tests/evaluate/test_ray.py answers where ray is installed",
    r"--processes 4": "four processes: planned; tests/evaluate/test_processes.py answers with two",
    r"^torchrun ": "four processes: run as one; tests/train/test_processes.py trains with two",
}
"""Commands that do not run here as they stand: why, and what is done in their place."""
LESS = (
    (r"^train .*--plan", ""),
    (r"^validate$", SUITE),
    (r"^train .*--suite cvit", ON_MINIATURE),
    (r"^train ", f"--suite {SUITE}"),
    (r"^evaluate .*(--executor ray|--processes 4)", "--limit 1 --plan"),
    (r"^evaluate .*--variants all", "--limit 4 --cells final --no-ranking"),
    (r"^evaluate ", "--limit 1"),
    (r"^demo", "--limit 1"),
    (r"^init run", "--base embedded:mini"),
    (r"", ""),
)
"""The first pattern that a command has names the options that are added to it."""
EVERY = [line for title in sections_with_commands(README) for line in commands_below(README, title)]
STAND_INS = {"DIR": "data", "/data": "data"}


def shorter(line: str) -> list[str]:
    """Return the words of a command of ours as it is run here."""
    words = [
        STAND_INS.get(word, word)
        for word in shlex.split(re.sub(r"^torchrun .* -m cvit_bench ", "cvit-bench ", line))
    ]
    said = " ".join(words[1:])
    return [*words[1:], *next(more for pattern, more in LESS if re.search(pattern, said)).split()]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """What lies in a reader's folder before the first command."""
    suite = tmp_path / SUITE
    suite.parent.mkdir(parents=True)
    suite.write_text(yaml.safe_dump(SMALL))
    return tmp_path


@pytest.fixture
def follow(desk, inside):
    """Return a function that runs the commands below a heading of README, and gives what each printed."""

    def run(title: str) -> dict[str, str]:
        lines = commands_below(README, title)
        return {
            line: inside(*shorter(line))[0] for line in lines if line.startswith(("cvit-bench", "torchrun"))
        }

    return run


def test_every_section_with_commands_is_followed():
    assert set(sections_with_commands(README)) == {
        "Try it", "Commands", "From zero to a CVIT number on LLaVA-1.5-7B", "Your own checkpoints",
        "Other people's answers",
    }  # fmt: skip


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_what_does_not_run_here_is_still_in_the_text(pattern):
    assert any(re.search(pattern, line) for line in EVERY)


def test_every_command_is_ours_or_named_as_one_that_does_not_run_here():
    others = [line for line in EVERY if not line.startswith("cvit-bench ")]
    assert [line for line in others if not any(re.search(pattern, line) for pattern in ELSEWHERE)] == []


@pytest.mark.parametrize("line", [line for line in EVERY if line.startswith("make ")])
def test_make_says_how_it_would_go_about_it(line):
    done = subprocess.run(
        ["make", "--dry-run", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "bin/" in done.stdout


def test_the_demos_of_make_are_those_of_the_text():
    made = (ROOT / "Makefile").read_text()
    text = README.read_text()
    for command in ("cvit-bench demo --quick", "cvit-bench demo"):
        assert f"$(BIN)/{command} --out" in made
        assert f"`{command}`" in text


@pytest.mark.parametrize("line", [line for line in EVERY if line.startswith("hf ")])
def test_the_hub_has_these_options(line):
    verb, *words = line.split()[1:]
    done = subprocess.run(
        [sys.executable, "-m", "huggingface_hub.cli.hf", verb, "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )  # fmt: skip
    assert [word for word in words if word.startswith("--") and word not in done.stdout] == []


@pytest.mark.proof
@pytest.mark.parametrize("command", ["demo --quick", "demo --limit 8"])
def test_the_demo_ends_with_two_pages(command, inside, tmp_path):
    said, _ = inside(*command.split())
    assert "Run report" in said
    for page in ("lora/report.html", "leaderboards/mini/index.html"):
        assert (tmp_path / "runs" / "demo" / page).exists()


@pytest.mark.slow
def test_commands(follow, desk):
    said = follow("Commands")
    assert len(said) == len(commands_below(README, "Commands"))
    assert "Strict score S" in said["cvit-bench evaluate --run-dir runs/lora"]
    for file in ("lora/report.html", "smolora/results.json", "both/results.json", "choose/results-val.json"):
        assert (desk / "runs" / file).exists(), file
    assert (desk / "leaderboards" / "mini" / "index.html").exists()
    assert (desk / "one_task" / "adapter_model.safetensors").exists()
    assert "intransigence" in (desk / "runs" / "lora" / "results.json").read_text()


@pytest.mark.slow
def test_from_zero_to_a_number(follow, desk, monkeypatch):
    miniature.cvit(desk / "data")
    monkeypatch.setenv("CVIT_BENCH_DATA", "data")
    follow("From zero to a CVIT number on LLaVA-1.5-7B")
    results = json.loads((desk / "runs" / "smolora" / "results.json").read_text())
    assert results["suite"] == "cvit"
    assert (desk / "runs" / "smolora" / "report.html").exists()


@pytest.mark.slow
def test_somebody_elses_checkpoints(follow, desk):
    """Plain PEFT adapters, and the manifest as it stands in the text."""
    title = "Your own checkpoints"
    (manifest,) = blocks(section(README, title), "json")
    mine = desk / "runs" / "mine"
    stages = [stage["checkpoint"] for stage in json.loads(manifest)["stages"]]
    found = [desk / "out" / f"llava-task{at}" for at in (1, 2)]
    for at, folder in enumerate([*(mine / name for name in stages), *found]):
        save_adapter(folder, at)
    (mine / "manifest.json").write_text(manifest)
    said = follow(title)
    assert "02-read" in said["cvit-bench evaluate --run-dir runs/mine --cells lower"]
    assert (mine / "report.html").exists()
    found = load_manifest(desk / "runs" / "llava").stages
    assert [stage.tasks for stage in found] == [("mini_geo",), ("mini_read",)]


def save_adapter(folder, seed):
    torch.manual_seed(seed)
    layers = r".*language_model.*\.(q_proj|v_proj)"
    config = peft.LoraConfig(r=2, target_modules=layers, init_lora_weights=False)
    peft.get_peft_model(load_base(embedded_base(), Placement()).model, config).save_pretrained(folder)


@pytest.mark.slow
def test_other_peoples_answers(follow, desk):
    miniature.coin(desk / "data")
    write_tree("coin", desk / "data", desk / "results" / "run")
    said = follow("Other people's answers")
    assert any("Strict score S" in text for text in said.values())
    assert (desk / "leaderboards" / "coin" / "entries" / "theirs.json").exists()
