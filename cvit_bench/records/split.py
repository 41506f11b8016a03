"""A split: the files that its samples are read from, all below the data root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Record, Sha256
from cvit_bench.records.sample import PictureFit


class References(Record):
    """A second annotation file that has the references of a question file, joined sample by sample.

    Attributes:
        by: what joins: the sample's id, or the name of its picture's file.
        question: whether its question replaces that of the question file too.
    """

    file: str = Field(min_length=1)
    reader: str
    annotations: str | None = None
    by: Literal["id", "image"] = "id"
    question: bool = False


class HubSource(Record):
    """A dataset of the Hugging Face hub that `data prepare --hub` reads once, row by row, into `file`."""

    dataset: str = Field(min_length=1)
    config: str | None = None
    split: str = Field(min_length=1)
    revision: str | None = None


class Split(Record):
    """One annotation file of a task, and what lies beside it.

    Attributes:
        file: the annotation file; `{instructions}` stands for the folder that a task or its suite names.
        reader: its format, where it is not the task's.
        images: folder of the pictures (several: the first that has the file); none: the file's own.
        annotations: the second file of formats that have two.
        part: which part of a file that holds several (`train`, `test`, …).
        columns: where a table names its columns otherwise: ours → theirs.
        references: another file with the references.
        picture: how its pictures are shown, where it is not as the task says.
        ids: a text file with the ids that are asked, one a line; the others are left out.
        count: samples the file holds, those that are asked where there are `ids`.
    """

    file: str = Field(min_length=1)
    count: int | None = Field(default=None, ge=1)
    sha256: Sha256 | None = None
    reader: str | None = None
    images: tuple[str, ...] = ()
    annotations: str | None = None
    part: str | None = None
    columns: dict[str, str] = {}
    references: References | None = None
    picture: PictureFit | None = None
    ids: str | None = None
    hub: HubSource | None = None

    @field_validator("images", mode="before")
    @classmethod
    def _one_folder(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given


def _raise(error: CvitBenchError) -> None:
    raise error


@dataclass(frozen=True)
class Beside:
    """What a reader is told beside the file: see `Split`; paths are absolute.

    `refuse` takes a row that cannot be read; unless it is replaced it raises.
    """

    images: tuple[Path, ...] = ()
    annotations: Path | None = None
    part: str | None = None
    fit: PictureFit = "model"
    columns: Mapping[str, str] = field(default_factory=dict)
    refuse: Callable[[CvitBenchError], None] = _raise


ALONE = Beside()
"""A file with nothing beside it but its pictures."""
