"""The data of a whole suite: check it, convert it, draw a subset of it. Needs no network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.data.joining import joined
from cvit_bench.data.library import Library
from cvit_bench.data.prepared import count_prepared, prepared_path, save_prepared
from cvit_bench.data.split_check import Home, SplitCheck, first_few, overlaps, read_for_check
from cvit_bench.data.split_files import SplitFiles, SplitName, files_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file
from cvit_bench.records.preparation import DataFile, SplitData, SuiteData
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Download, Task

_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
_SHOWN = 20


@dataclass
class Looking:
    """A look at the data of a suite.

    Attributes:
        images: whether pictures are opened and compared, which takes a while.
    """

    library: Library
    suite: Suite
    root: Path | None = None
    images: bool = True

    def check(self) -> SuiteData:
        """Look at every row and picture of every split that is there."""
        checks: list[SplitCheck] = []
        seen: dict[str, dict[str, Home]] = {}
        splits = tuple(
            self._checked(files, checks, seen.setdefault(files.task.name, {})) for files in self.files()
        )
        return self._about(splits, _shared(checks))

    def prepare(self) -> SuiteData:
        """Convert every split that is there; one whose conversion is at hand is left as it is."""
        return self._about(tuple(map(_converted, self.files())), ())

    def files(self) -> Iterator[SplitFiles]:
        """Yield the files of every split that the suite reads: train where a task is trained, test of all."""
        for name in self.suite.tasks:
            task = self.library.task(name)
            yield from (files_of(task, split, self.root) for split in _SPLITS if self._is_read(task, split))

    def _is_read(self, task: Task, split: SplitName) -> bool:
        is_trained = task.name in self.suite.train or task.name in self.suite.few_shot
        return split in task.splits and (split == "test" or is_trained)

    def _checked(self, files: SplitFiles, checks: list[SplitCheck], seen: dict[str, Home]) -> SplitData:
        found = data_files(files)
        if any(file.sha256 is None for file in found):
            return SplitData(task=files.task.name, split=files.name, files=found)
        check = read_for_check(files.task, files.name, files.root)
        checks.append(check)
        template = self.library.template(files.task.template)
        kinds = check.kinds(template, seen, self.images)
        findings = [line.removeprefix(".") for kind in kinds for line in first_few(kind, _SHOWN)]
        return SplitData(
            task=files.task.name,
            split=files.name,
            files=found,
            samples=len(check.samples),
            wordings=check.wordings,
            arrow=_below(files, prepared_path(files)),
            findings=tuple(findings),
        )

    def _about(self, splits: tuple[SplitData, ...], shared: tuple[str, ...]) -> SuiteData:
        return SuiteData(suite=self.suite.name, splits=splits, downloads=self._downloads(), shared=shared)

    def _downloads(self) -> tuple[Download, ...]:
        """Return what the tasks need from elsewhere, each once."""
        tasks = map(self.library.task, self.suite.tasks)
        return tuple(dict.fromkeys(one.placed(task.instructions) for task in tasks for one in task.downloads))


def data_files(files: SplitFiles) -> tuple[DataFile, ...]:
    """Return the annotation files of a split with their hashes."""
    return tuple(
        DataFile(name=name, sha256=sha256_file(path) if path.is_file() else None)
        for name, path in files.named()
    )


def _converted(files: SplitFiles) -> SplitData:
    found = data_files(files)
    about = SplitData(task=files.task.name, split=files.name, files=found)
    if any(file.sha256 is None for file in found) or files.task.source == "embedded":
        return about
    path = prepared_path(files)
    try:
        if not path.is_file():
            save_prepared(files, joined(files, files.beside))
    except CvitBenchError as error:
        return about.model_copy(update={"findings": tuple(str(error).splitlines())})
    return about.model_copy(update={"arrow": _below(files, path), "samples": count_prepared(path)})


def _below(files: SplitFiles, path: Path) -> str | None:
    """Return the name below the data root of a file that is there."""
    return str(path.relative_to(files.root)) if path.is_file() else None


def _shared(checks: list[SplitCheck]) -> tuple[str, ...]:
    """Say which splits share pictures, where one of them is asked about and the other one trained on."""
    found = [
        f"{one[0]} {one[1]} and {other[0]} {other[1]} share {count} pictures"
        for (one, other), count in sorted(overlaps(checks).items())
        if {one[1], other[1]} == {"train", "test"}
    ]
    return tuple(found)
