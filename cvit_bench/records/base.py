"""The two kinds of record: part of a file, and a whole file with a schema version."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _placeable(text: str) -> str:
    """Refuse what no file system can hold, before anything is looked up there."""
    if not text or "\0" in text:
        raise ValueError("expected the path of a folder or a hub id")
    if len(text.encode()) > 4095 or any(len(part.encode()) > 255 for part in text.split("/")):
        raise ValueError("too long to be a path")
    return text


Place = Annotated[str, AfterValidator(_placeable)]
"""A path, or the hub id in its place."""


class Record(BaseModel):
    """Frozen and validated; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileRecord(Record):
    """A record with a file of its own; files of another schema version are refused."""

    SCHEMA: ClassVar[int] = 1

    schema_version: int = 1
