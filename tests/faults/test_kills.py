"""Commands killed at a write, by SIGTERM and by SIGKILL, and called again: the bytes of a calm call."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cvit_bench.records.lock import Holder
from tests.conftest import Toy, make_toy
from tests.families import tiny
from tests.faults import clock
from tests.faults.kills import EVALUATE_TRAINED, KILLS, TRAIN, Kill
from tests.interop.conftest import Trees

TRIPWIRE = Path(__file__).with_name("tripwire.py")
MADE = ("*.json", "*.jsonl", "*.parquet", "*.arrow", "*.html", "*.csv", "*.tex", "*.safetensors")
LEFT_BEHIND = ("*.part", ".*.steps")
PAIR_AT = "pair/tasks/suites/pair.yaml"
PAIR = """schema_version: 1
name: pair
version: 1
title: Pair
description: Two stages of the embedded suite.
train: [mini_geo, mini_read]
base: embedded:mini
training: {steps: 3, batch_size: 1, learning_rate: 0.002, save_steps: 2, precision: float32}
adapter: {rank: 8, alpha: 16, dropout: 0.1, a_init: kaiming}
"""


@dataclass
class Scene:
    """A toy run, a process whose forks are killed, and what a calm call leaves behind."""

    root: Path
    process: subprocess.Popen
    calm: dict[Any, dict[str, bytes]]
    sets_clock: bool

    @property
    def toy(self) -> Toy:
        return Toy(self.root / "scene" / "toy")

    def begin(self, first: tuple[str, ...] | None) -> None:
        """Put everything as it was, and finish a first command."""
        shutil.rmtree(self.root / "scene", ignore_errors=True)
        made = self.root / "made" / ("-".join(word.strip("{}") for word in first) if first else "nothing")
        if not made.exists():
            shutil.copytree(self.root / "sound", self.root / "scene")
            if first:
                assert self.call(first)["status"] == 0
            shutil.copytree(self.root / "scene", made)
        else:
            shutil.copytree(made, self.root / "scene")

    def call(self, words: tuple[str, ...], years: int = 0, **trip: Any) -> dict[str, Any]:
        """Call a command, to be killed or to be finished, with a clock that is set back by some years."""
        scene = self.root / "scene"
        places = {"run": self.toy.run_dir, "data": self.toy.data, "suite": self.toy.suite,
                  "out": scene / "out", "trees": scene / "theirs", "pair": scene / PAIR_AT,
                  "base": self.root / "base"}  # fmt: skip
        asked = {"words": [word.format(**places) for word in words], "folder": str(self.root), **trip}
        asked["variables"] = {clock.SECONDS: str(-years * clock.YEAR)}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        found = json.loads(self.process.stdout.readline())
        assert "Traceback" not in found["err"], found["err"]
        return found

    def left(self, *patterns: str) -> list[Path]:
        return sorted(path for pattern in patterns for path in (self.root / "scene").rglob(pattern))

    def made(self) -> dict[str, bytes]:
        """Return everything that there is now, but for how long it took."""
        paths = [path for path in self.left(*MADE) if path.name != "pace.json"]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def made_calmly(self, kill: Kill) -> dict[str, bytes]:
        """Return what there is after an undisturbed call."""
        if kill.words not in self.calm:
            self.begin(kill.first)
            done = self.call(kill.words)
            assert done["status"] == 0, done["err"]
            self.calm[kill.words] = self.made()
        return self.calm[kill.words]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    root = tmp_path_factory.mktemp("kills")
    toy = make_toy(root / "scene" / "toy")
    Trees(toy, root / "scene" / "theirs").coin()
    (root / "scene" / PAIR_AT).parent.mkdir(parents=True)
    (root / "scene" / PAIR_AT).write_text(PAIR)
    tiny.save("llava", root / "base")
    (root / "scene").rename(root / "sound")
    built = clock.library(root)
    process = subprocess.Popen(
        [sys.executable, str(TRIPWIRE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **(clock.variables(built) if built else {})},
    )  # fmt: skip
    with process:
        yield Scene(root, process, {}, built is not None)
        process.stdin.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("kill", KILLS, ids=[f"{kill.verb}: {kill.phase}" for kill in KILLS])
def test_a_killed_command_goes_on(scene, kill, number):
    wanted = scene.made_calmly(kill)
    scene.begin(kill.first)
    killed = scene.call(kill.words, number=int(number), at=kill.at, nth=kill.nth, on=kill.on)
    if number == signal.SIGTERM:
        assert killed["status"] == 128 + number
        assert killed["err"].endswith("cvit-bench: interrupted; the same command resumes\n")
        assert killed["err"].count("interrupted") == 1
        assert not scene.left("*.part")
    else:
        assert killed["status"] == -number
    kept = whole_answers(scene)
    assert all(lines <= whole_answers(scene, wanted)[name] for name, lines in kept.items())

    done = scene.call(kill.words)
    assert done["status"] == 0
    assert kill.goes_on in done["err"]
    assert as_read(scene.made()) == as_read(wanted)
    assert not scene.left(*LEFT_BEHIND)


def test_a_clock_set_back_between_stages_and_before_the_evaluation(scene):
    """Every call comes years before the one before, and files come from its future."""
    if not scene.sets_clock:
        pytest.skip("this machine has no C compiler")
    scene.begin(None)
    assert [scene.call(words)["status"] for words in (TRAIN, EVALUATE_TRAINED)] == [0, 0]
    wanted = scene.made()
    scene.begin(None)
    for years, at in ((10, r"/stages$"), (20, r"/\.02-.*/adapter_model\.safetensors$")):
        assert scene.call(TRAIN, years, at=at, number=int(signal.SIGTERM))["status"] == 128 + signal.SIGTERM
        assert begun_in(scene) in (year_now() - years, year_now() - years + 1)
    done = scene.call(TRAIN, 30)
    assert "01-mini_geo: trained already" in done["err"]
    assert "02-mini_read: goes on from step 2" in done["err"]
    assert scene.call(EVALUATE_TRAINED, 40)["status"] == 0
    assert as_read(scene.made()) == as_read(wanted)


def begun_in(scene: Scene) -> int:
    """Return the year in which a killed process began, as its lock tells."""
    [lock] = scene.left("out/trained/.lock")
    return int(Holder.model_validate_json(lock.read_text()).since[:4])


def year_now() -> int:
    return time.localtime().tm_year


def as_read(files: dict[str, bytes]) -> dict[str, Any]:
    """Return all files by their bytes, but predictions by their lines, and training's steps by their losses.

    Answers may stand in another order, and a step that was taken again stands there twice.
    """
    return {name: _as_read(name, content) for name, content in files.items()}


def _as_read(name: str, content: bytes) -> object:
    if name.endswith("/steps.jsonl"):
        rows = [json.loads(line) for line in content.splitlines()]
        return {(row["stage"], row["step"], row["loss"]) for row in rows}
    return sorted(content.splitlines()) if name.endswith(".jsonl") else content


def whole_answers(scene: Scene, files: dict[str, bytes] | None = None) -> dict[str, set[tuple[str, str]]]:
    """Return id and text of every answer that stands in a whole line."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, content in (files or scene.made()).items():
        if name.endswith(".jsonl") and "/predictions/" in name and ".part" not in name:
            lines = [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
            found[name] = {(line["id"], line["text"]) for line in lines}
    return found
