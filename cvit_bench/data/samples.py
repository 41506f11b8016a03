"""From a task to its samples: the right file, the right reader, nothing twice, nothing changed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.resources import data_root, embedded_data
from cvit_bench.text import known

SplitName = Literal["train", "val", "test"]


def load_samples(
    task: Task, split: SplitName, root: Path | None = None, limit: int | None = None
) -> list[Sample]:
    """Read the samples of a split, in file order; `limit` keeps the first so many.

    Raises CvitBenchError when the file is missing, differs from the hash that the task names, holds no
    sample, or holds an id twice.
    """
    path = split_file(task, split, root)
    pinned = task.splits[split].sha256
    if pinned is not None and sha256_file(path) != pinned:
        raise CvitBenchError(
            f"{path}: the file differs from the one that task {task.name!r} names (splits.{split}.sha256)"
        )
    samples = list(islice(read_samples(task, path), limit))
    if not samples:
        raise CvitBenchError(f"{path}: holds no sample")
    check_ids(path, samples)
    return samples


def read_samples(task: Task, path: Path) -> Iterator[Sample]:
    """Read a file with the task's reader."""
    reader = plugins.load(plugins.READERS, task.reader)
    found: Iterable[Sample] = reader.read(path)
    yield from found


def split_file(task: Task, split: SplitName, root: Path | None = None) -> Path:
    """Return the path of a split's annotation file; it must exist and lie inside its root."""
    path = split_path(task, split, root)
    if not path.is_file():
        raise CvitBenchError(
            f"{path}: no such file (task {task.name!r}, {split} split; --data-root names the folder)"
        )
    return path


def split_path(task: Task, split: SplitName, root: Path | None = None) -> Path:
    """Return where a split's annotation file has to lie, inside its root."""
    if split not in task.splits:
        raise CvitBenchError(f"task {task.name!r} has no {split} split (known: {known(task.splits)})")
    folder = embedded_data() if task.source == "embedded" else data_root(root)
    path = folder / task.splits[split].file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CvitBenchError(f"task {task.name!r}: splits.{split}.file: {path} lies outside {folder}")
    return path


def check_ids(path: Path, samples: Sequence[Sample]) -> None:
    """Raise when an id stands twice."""
    seen: set[str] = set()
    twice = [sample.id for sample in samples if sample.id in seen or seen.add(sample.id)]  # type: ignore[func-returns-value]
    if twice:
        raise CvitBenchError(f"{path}: id: stands twice: {', '.join(sorted(set(twice))[:5])}")
