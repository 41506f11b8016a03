"""From the labels of other tools to the stages and tasks of a suite."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.text import known, unknown_name

BASE, JOINT, ITSELF = "base", "joint", "itself"
_WORDS = {
    "zeroshot": BASE, "base": BASE, "untouched": BASE,
    "multitask": JOINT, "joint": JOINT,
    "finetune": ITSELF,
}  # fmt: skip
_NUMBERED = re.compile(r"task(\d+)")
_PLAIN = re.compile(r"[^a-z0-9]+")


def plain(label: str) -> str:
    """Return a label without case and punctuation: `OCR-VQA` and `ocr_vqa` are one."""
    return _PLAIN.sub("", label.casefold())


@dataclass(frozen=True)
class Labels:
    """How stages and tasks are called.

    Attributes:
        suite: whose tasks they are.
        tasks: its tasks by name.
        order: its train tasks as they were learned.
        task_names: label -> task, given by hand.
        stage_names: label -> a train task, `base` or `joint`, given by hand.
    """

    suite: Suite
    tasks: Mapping[str, Task]
    order: tuple[str, ...]
    task_names: Mapping[str, str] = field(default_factory=dict)
    stage_names: Mapping[str, str] = field(default_factory=dict)

    def task(self, label: str, place: Path) -> str:
        """Return the task of a label."""
        if label in self.task_names:
            return self._own(self.task_names[label], self.tasks, "--task", label)
        found = {name for name, task in self.tasks.items() if plain(label) in self._spellings(name, task)}
        if len(found) != 1:
            what = f"may be {known(found)}" if found else unknown_name("task", label, self.tasks)
            raise CvitBenchError(f"{place}: task {label!r}: {what}; --task {label}=TASK says which it is")
        return found.pop()

    def stage(self, label: str, task: str, place: Path) -> str:
        """Return `base`, `joint`, or the train task that was learned last, for a cell of `task`."""
        if label in self.stage_names:
            return self._own(self.stage_names[label], (*self.order, BASE, JOINT), "--stage", label)
        word = _WORDS.get(plain(label))
        if word is not None:
            return task if word is ITSELF else word
        found = {name for name in self.order if plain(label) in self._spellings(name, self.tasks[name])}
        numbered = _NUMBERED.fullmatch(plain(label))
        if not found and numbered and 1 <= int(numbered[1]) <= len(self.order):
            return self.order[int(numbered[1]) - 1]
        if len(found) != 1:
            stages = (*self.order, BASE, JOINT, *(f"task{at}" for at in range(1, len(self.order) + 1)))
            raise CvitBenchError(
                f"{place}: {unknown_name('stage', label, stages)}; "
                f"--stage {label}=TASK says what was learned last"
            )
        return found.pop()

    def _spellings(self, name: str, task: Task) -> set[str]:
        prefixes = {self.suite.name, self.suite.name.split("-")[0]}
        bare = {name.removeprefix(f"{prefix}{sign}") for prefix in prefixes for sign in "_-"}
        return {plain(word) for word in (name, task.title, *bare)}

    def _own(self, name: str, names: Sequence[str] | Mapping[str, Task], option: str, label: str) -> str:
        if name not in names:
            raise CvitBenchError(f"{option} {label}={name}: {unknown_name('name', name, names)}")
        return name


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Read `LABEL=NAME` words of an option."""
    found = {}
    for word in given:
        label, sign, name = word.rpartition("=")
        if not (label and sign and name):
            raise CvitBenchError(f"{option} {word}: expected LABEL=NAME")
        found[label] = name
    return found
