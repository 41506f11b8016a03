"""From a task to its samples: the right file, the right reader, nothing twice, nothing changed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_bytes, sha256_file
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.resources import data_root, embedded_data
from cvit_bench.text import known

SplitName = Literal["train", "val", "test"]
_DIGITS = 13


def load_samples(
    task: Task,
    split: SplitName,
    root: Path | None = None,
    limit: int | None = None,
    holdout: float = 0.0,
) -> list[Sample]:
    """Read the samples of a split, in file order; `limit` keeps the first so many.

    With a `holdout`, a task that has no `val` file has that share of its train file as `val` and the rest
    as `train`; a task with a `val` file keeps both files as they are.

    Raises CvitBenchError when the file is missing, differs from the hash that the task names, holds no
    sample, or holds an id twice.
    """
    is_shared = holdout > 0 and split != "test" and "val" not in task.splits
    file: SplitName = "train" if is_shared else split
    path = split_file(task, file, root)
    pinned = task.splits[file].sha256
    if pinned is not None and sha256_file(path) != pinned:
        raise CvitBenchError(
            f"{path}: the file differs from the one that task {task.name!r} names (splits.{file}.sha256)"
        )
    found = read_samples(task, path)
    if is_shared:
        found = (sample for sample in found if is_held_out(sample.id, holdout) == (split == "val"))
    samples = list(islice(found, limit))
    if not samples:
        what = f"no sample for the {split} split with --holdout {holdout}" if is_shared else "no sample"
        raise CvitBenchError(f"{path}: holds {what}")
    check_ids(path, samples)
    return samples


def is_held_out(name: str, share: float) -> bool:
    """Tell whether the sample with that id belongs to the share that is held out.

    The id alone decides: neither the other samples nor their order matter, and whatever a smaller share
    holds out a larger one does too.
    """
    return int(sha256_bytes(name.encode("utf-8"))[:_DIGITS], 16) < share * 16**_DIGITS


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
