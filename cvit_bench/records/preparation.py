"""What `data prepare` and `data check` say about the data of a suite."""

from pydantic import Field

from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.task import Download


class DataFile(Record):
    """A file that a split is read from; no hash where it is not there."""

    name: str
    sha256: str | None = None


class SplitData(Record):
    """What is there of a split.

    Attributes:
        files: annotation files below the data root.
        samples: how many it holds; none where a file is missing.
        wordings: how many instructions published prompts end in (last lines); none where they are ours.
        arrow: the converted split below the data root, once there is one.
        findings: what is wrong, each with file, line and id.
    """

    task: Name
    split: str
    files: tuple[DataFile, ...]
    samples: int | None = Field(default=None, ge=0)
    wordings: int | None = Field(default=None, ge=0)
    arrow: str | None = None
    findings: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The files that are not there."""
        return tuple(file.name for file in self.files if file.sha256 is None)


class SuiteData(FileRecord):
    """The data of a suite: what is there, what is to be had from where, and which pictures splits share."""

    suite: Name
    splits: tuple[SplitData, ...]
    downloads: tuple[Download, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Nothing is missing and nothing is wrong."""
        return not any(split.missing or split.findings for split in self.splits)
