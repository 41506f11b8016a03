"""From a task to its samples: the right file, the right reader, nothing twice, nothing changed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from cvit_bench.data.joining import joined, told_apart
from cvit_bench.data.prepared import open_prepared
from cvit_bench.data.split_files import SplitName, files_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_bytes, sha256_file
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task

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

    What `data prepare` has converted is read from there. An id that a train file has twice is told apart by a
    number (`a#2`); nothing is paired by it there.

    Raises CvitBenchError when the file is missing, differs from the hash that the task names, holds no
    sample, or, where samples are asked about, holds an id twice.
    """
    file = _file_of(task, split, holdout)
    is_shared = holdout > 0 and split != "test" and "val" not in task.splits
    path = split_file(task, file, root)
    pinned = task.splits[file].sha256
    if pinned is not None and sha256_file(path) != pinned:
        raise CvitBenchError(
            f"{path}: the file differs from the one that task {task.name!r} names (splits.{file}.sha256)"
        )
    found = read_samples(task, file, root)
    if is_shared:
        found = (sample for sample in found if is_held_out(sample.id, holdout) == (split == "val"))
    samples = list(islice(found, limit))
    if not samples:
        what = f"no sample for the {split} split with --holdout {holdout}" if is_shared else "no sample"
        raise CvitBenchError(f"{path}: holds {what}")
    if split != "train":
        check_ids(path, samples)
    return samples


def data_hashes(
    task: Task, split: SplitName, root: Path | None = None, holdout: float = 0.0
) -> dict[str, str]:
    """Return the SHA-256 of every file that a split is read from, by its name below the root."""
    return files_of(task, _file_of(task, split, holdout), root).hashes()


def _file_of(task: Task, split: SplitName, holdout: float) -> SplitName:
    """Return the split whose file is read: train for the share that is held out of it."""
    is_shared = holdout > 0 and split != "test" and "val" not in task.splits
    return "train" if is_shared else split


def is_held_out(name: str, share: float) -> bool:
    """Tell whether the sample with that id belongs to the share that is held out.

    The id alone decides: neither the other samples nor their order matter, and whatever a smaller share
    holds out a larger one does too.
    """
    return int(sha256_bytes(name.encode("utf-8"))[:_DIGITS], 16) < share * 16**_DIGITS


def read_samples(task: Task, split: SplitName, root: Path | None = None) -> Iterator[Sample]:
    """Read a split, as `data prepare` has left it or with the task's readers."""
    files = files_of(task, split, root)
    found = open_prepared(files) or joined(files, files.beside)
    return told_apart(found) if split == "train" else found


def split_file(task: Task, split: SplitName, root: Path | None = None) -> Path:
    """Return the path of a split's annotation file; it and what is read with it must exist."""
    files = files_of(task, split, root)
    for _, path in files.named():
        if not path.is_file():
            raise CvitBenchError(
                f"{path}: no such file (task {task.name!r}, {split} split; --data-root names the folder)"
            )
    return files.file


def split_path(task: Task, split: SplitName, root: Path | None = None) -> Path:
    """Return where a split's annotation file has to lie, inside its root."""
    return files_of(task, split, root).file


def check_ids(path: Path, samples: Sequence[Sample]) -> None:
    """Raise when an id stands twice."""
    times = Counter(sample.id for sample in samples)
    twice = sorted(name for name, count in times.items() if count > 1)
    if twice:
        raise CvitBenchError(f"{path}: id: stands twice: {', '.join(twice[:5])}")
