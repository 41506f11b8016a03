"""Where the files of a split lie, and what they hold: all inside one root, each named by its hash."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import inside, sha256_file
from cvit_bench.records.split import Beside, Split
from cvit_bench.records.task import Task
from cvit_bench.resources import data_root, embedded_data
from cvit_bench.text import known

SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split of a task below a root; none of them need be there."""

    task: Task
    name: SplitName
    root: Path
    split: Split = field(init=False)

    def __post_init__(self) -> None:
        if self.name not in self.task.splits:
            has = known(self.task.splits)
            raise CvitBenchError(f"task {self.task.name!r} has no {self.name} split (known: {has})")
        object.__setattr__(self, "split", self.task.splits[self.name])

    @property
    def file(self) -> Path:
        """The annotation file."""
        return self._inside("file", self.split.file)

    @property
    def reader(self) -> str:
        """The format of the annotation file."""
        return self.split.reader or self.task.reader

    @property
    def references(self) -> Path | None:
        """The second annotation file, which has the references."""
        found = self.split.references
        return None if found is None else self._inside("references.file", found.file)

    @property
    def ids(self) -> Path | None:
        """The file with the ids that are asked."""
        return None if self.split.ids is None else self._inside("ids", self.split.ids)

    @property
    def beside(self) -> Beside:
        """What the reader of the annotation file is told."""
        split = self.split
        return Beside(
            images=tuple(self._inside("images", folder) for folder in split.images),
            annotations=self._optional("annotations", split.annotations),
            part=split.part,
            fit=split.picture or self.task.picture,
            columns=split.columns,
        )

    @property
    def beside_references(self) -> Beside:
        """What the reader of the references is told: their pictures are not looked at."""
        found = self.split.references
        second = None if found is None else self._optional("references.annotations", found.annotations)
        return Beside(annotations=second)

    def named(self) -> Iterator[tuple[str, Path]]:
        """Yield every file that is read, by its name below the root."""
        second, their_second = self.beside.annotations, self.beside_references.annotations
        for path in (self.file, second, self.references, their_second, self.ids):
            if path is not None:
                yield path.relative_to(self.root).as_posix(), path

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every file that is read, by its name below the root."""
        return {name: sha256_file(path) for name, path in self.named()}

    def _optional(self, key: str, name: str | None) -> Path | None:
        return None if name is None else self._inside(key, name)

    def _inside(self, key: str, name: str) -> Path:
        name = name.replace("{instructions}", self.task.instructions or "")
        where = f"task {self.task.name!r}: splits.{self.name}.{key}"
        try:
            path = inside(self.root, name)
        except ValueError as error:
            raise CvitBenchError(f"{where}: {error} (got {name!r})") from error
        if path is None:
            raise CvitBenchError(f"{where}: {self.root / name} lies outside {self.root}")
        return path


def files_of(task: Task, split: SplitName, root: Path | None = None) -> SplitFiles:
    """Return the files of a split: the embedded ones, or those below the data root."""
    return SplitFiles(task, split, embedded_data() if task.source == "embedded" else data_root(root))
