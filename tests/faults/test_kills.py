"""Commands killed at a write, by SIGTERM and by SIGKILL, and called again: the bytes of a calm call."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Toy, make_toy
from tests.faults.kills import KILLS, Kill
from tests.interop.conftest import Trees

TRIPWIRE = Path(__file__).with_name("tripwire.py")
MADE = ("*.json", "*.jsonl", "*.parquet", "*.arrow", "*.html", "*.csv", "*.tex")


@dataclass
class Scene:
    """A toy run, a process whose forks are killed, and what a calm call leaves behind."""

    root: Path
    process: subprocess.Popen
    calm: dict[Any, dict[str, bytes]]

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

    def call(self, words: tuple[str, ...], **trip: Any) -> dict[str, Any]:
        """Call a command, to be killed or to be finished."""
        scene = self.root / "scene"
        places = {"run": self.toy.run_dir, "data": self.toy.data, "suite": self.toy.suite,
                  "out": scene / "out", "trees": scene / "theirs"}  # fmt: skip
        asked = {"words": [word.format(**places) for word in words], "folder": str(self.root), **trip}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        found = json.loads(self.process.stdout.readline())
        assert "Traceback" not in found["err"], found["err"]
        return found

    def left(self, pattern: str) -> list[Path]:
        return sorted((self.root / "scene").rglob(pattern))

    def made(self) -> dict[str, bytes]:
        """Return everything that there is now, but for how long it took."""
        paths = [path for pattern in MADE for path in self.left(pattern) if path.name != "pace.json"]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def made_calmly(self, kill: Kill) -> dict[str, bytes]:
        """Return what there is after an undisturbed call."""
        if kill.words not in self.calm:
            self.begin(kill.first)
            assert self.call(kill.words)["status"] == 0
            self.calm[kill.words] = self.made()
        return self.calm[kill.words]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    root = tmp_path_factory.mktemp("kills")
    toy = make_toy(root / "scene" / "toy")
    Trees(toy, root / "scene" / "theirs").coin()
    (root / "scene").rename(root / "sound")
    process = subprocess.Popen(
        [sys.executable, str(TRIPWIRE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Scene(root, process, {})
        process.stdin.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("kill", KILLS, ids=[f"{kill.verb}: {kill.phase}" for kill in KILLS])
def test_a_killed_command_goes_on(scene, kill, number):
    wanted = scene.made_calmly(kill)
    scene.begin(kill.first)
    killed = scene.call(kill.words, number=int(number), at=kill.at, nth=kill.nth)
    if number == signal.SIGTERM:
        assert killed["status"] == 128 + number
        assert killed["err"].endswith("cvit-bench: interrupted; the same command resumes\n")
        assert not scene.left("*.part")
    else:
        assert killed["status"] == -number
    kept = whole_answers(scene)
    assert all(lines <= whole_answers(scene, wanted)[name] for name, lines in kept.items())

    assert scene.call(kill.words)["status"] == 0
    assert as_read(scene.made()) == as_read(wanted)
    assert kill.litter or not scene.left("*.part")


def as_read(files: dict[str, bytes]) -> dict[str, Any]:
    """Return all files by their bytes, but predictions by the last line of each sample: it counts."""
    return {
        name: {json.loads(line)["id"]: line for line in content.splitlines()}
        if "/predictions/" in name and name.endswith(".jsonl")
        else content
        for name, content in files.items()
    }


def whole_answers(scene: Scene, files: dict[str, bytes] | None = None) -> dict[str, set[tuple[str, str]]]:
    """Return id and text of every answer that stands in a whole line."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, content in (files or scene.made()).items():
        if name.endswith(".jsonl") and "/predictions/" in name and ".part" not in name:
            lines = [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
            found[name] = {(line["id"], line["text"]) for line in lines}
    return found
