"""A manifest for other people's checkpoints, from a glob of their folders: to be checked by eye."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.found_checkpoints import FoundCheckpoint, copy_checkpoint, look_at
from cvit_bench.records.load import save_json
from cvit_bench.records.manifest import MANIFEST, STAGES, BaseModelRef, Manifest, Stage
from cvit_bench.records.named import as_name, run_name
from cvit_bench.text import unknown_name


@dataclass(frozen=True)
class Proposal:
    """One stage as it will stand in the manifest, and why it has its task."""

    name: str
    task: str
    found: FoundCheckpoint
    reason: str


@dataclass(frozen=True)
class NewRun:
    """What is asked for.

    Attributes:
        patterns: globs of checkpoint folders; tasks: their tasks in order, empty to have them found.
    """

    base: BaseModelRef
    suite: str
    patterns: tuple[str, ...]
    run_dir: Path
    method: str = "my-method"
    title: str | None = None
    tasks: tuple[str, ...] = ()
    allow_pickle: bool = False


def natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key under which checkpoint-2 stands before checkpoint-10."""
    parts = re.split(r"(\d+)", name)  # every second one is a number
    return [(int(part), "") if at % 2 else (-1, part) for at, part in enumerate(parts)]


def write_run(asked: NewRun) -> list[Proposal]:
    """Write the manifest, and copies of adapters that cannot be taken as they are; return its stages."""
    path = asked.run_dir / MANIFEST
    if path.exists():
        raise CvitBenchError(f"{path}: is there already; another --run-dir keeps it")
    stages = propose(asked)
    manifest = _manifest(asked, stages)
    for stage in stages:
        if stage.found.copied:
            copy_checkpoint(stage.found, asked.run_dir / _copy(stage), asked.allow_pickle)
    save_json(path, manifest)
    return stages


def propose(asked: NewRun) -> list[Proposal]:
    """Return the stages that a glob of folders makes, in natural order, each with its task."""
    found_by = {pattern: _folders(pattern) for pattern in asked.patterns}
    for pattern, matches in found_by.items():
        if not matches:
            raise CvitBenchError(f"{pattern}: no folder of that name")
    folders = sorted(set().union(*found_by.values()), key=lambda path: natural(str(path)))
    _, suite = open_suite(asked.suite)
    found = [look_at(folder) for folder in folders]
    tasks = _tasks(asked.tasks, suite.train, folders)
    return [
        Proposal(f"{at:02d}-{task}", task, checkpoint, reason)
        for at, (checkpoint, (task, reason)) in enumerate(zip(found, tasks, strict=True), 1)
    ]


def _folders(pattern: str) -> list[Path]:
    try:
        path = Path(pattern).expanduser()
        matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        return [found for found in matches if found.is_dir()]
    except (ValueError, IndexError, NotImplementedError, RuntimeError) as error:
        raise CvitBenchError(f"{pattern!r}: no pattern of folder names ({error})") from error


def _tasks(given: Sequence[str], train: Sequence[str], folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Return the task of each folder and how it was found."""
    for name in given:
        if name not in train:
            raise CvitBenchError(f"--tasks: {unknown_name('train task', name, train)}")
    if given and len(given) != len(folders):
        raise CvitBenchError(f"--tasks: {len(given)} tasks for {len(folders)} folders{_listed(folders)}")
    if given:
        return [(name, "as --tasks says") for name in given]
    named = [_named(folder, train) for folder in folders]
    if all(len(names) == 1 for names in named) and len({names[0] for names in named}) == len(named):
        return [(names[0], "by its name") for names in named]
    if len(folders) > len(train):
        raise CvitBenchError(
            f"{len(folders)} folders for {len(train)} train tasks ({', '.join(train)}), and their names do "
            f"not tell which is whose; name them with --tasks a,b,c or narrow the pattern{_listed(folders)}"
        )
    return [(name, "by its place in the order") for name in train[: len(folders)]]


def _named(folder: Path, train: Sequence[str]) -> list[str]:
    """Return the tasks whose name stands in a folder's name, with or without what all of them begin with."""
    start = _shared_start(train)
    text = re.sub(r"[^a-z0-9]", "", folder.name.lower())
    plain = {task: re.sub(r"[^a-z0-9]", "", task.removeprefix(start).lower()) for task in train}
    hits = [task for task, word in plain.items() if word and word in text]
    return [task for task in hits if not any(plain[task] in plain[other] for other in hits if other != task)]


def _shared_start(names: Sequence[str]) -> str:
    """Return what all names begin with, up to an underscore."""
    first = names[0].partition("_")
    start = first[0] + first[1]
    return start if first[1] and len(names) > 1 and all(name.startswith(start) for name in names) else ""


def _listed(folders: Sequence[Path]) -> str:
    return "".join(f"\n  {folder}" for folder in folders)


def _copy(stage: Proposal) -> str:
    return f"{STAGES}/{stage.name}"


def _manifest(asked: NewRun, stages: Sequence[Proposal]) -> Manifest:
    listed = [
        Stage(
            name=stage.name,
            tasks=(stage.task,),
            checkpoint=_copy(stage) if stage.found.copied else str(stage.found.folder.resolve()),
            kind=stage.found.kind,
        )
        for stage in stages
    ]
    return Manifest(
        run=run_name(asked.run_dir),
        suite=asked.suite,
        method=as_name("--method", asked.method),
        title=asked.title,
        base=asked.base,
        stages=tuple(listed),
    )
