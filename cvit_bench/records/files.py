"""Writing that is whole or absent, and hashes of what was written."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.begun import begun

_CHUNK = 1 << 20


def write_text(path: Path, text: str) -> None:
    """Write `text` under a temporary name, fsync, rename; a reader sees the old file or the new one."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name, fsync, rename."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on leaving, fsync it and rename it to `path`."""
    try:
        with begun(path) as temporary:
            yield temporary
            temporary.chmod(0o644)
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be written ({error.strerror or error})") from error


def inside(folder: Path, name: str) -> Path | None:
    """Return where a name that data gives lies below a folder; None where it would lead out of it.

    A folder that is linked into it counts as being in it; a linked file that lies elsewhere does not.
    Raises ValueError for what can be no name of a file, or cannot be looked up.
    """
    if b"\0" in os.fsencode(name):
        raise ValueError("a name holds no null character")
    below = Path(os.path.normpath(name))
    if below.is_absolute() or below.parts[:1] == (os.pardir,):
        return None
    path = folder / below
    try:
        is_elsewhere = path.is_symlink() and not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # too long a name, a folder that is closed, links in a circle
        raise ValueError(getattr(error, "strerror", None) or str(error)) from error
    return None if is_elsewhere else path


def appending(path: Path) -> BinaryIO:
    """Open a file to append to; a link is refused, since another file would be written to through it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o644), "a+b")


def sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hex."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise CvitBenchError(f"{path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes as hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_files(paths: Iterable[Path], root: Path) -> str:
    """Hash several files into one digest: each relative name with the hash of its content, sorted."""
    rows = sorted((path.relative_to(root).as_posix(), sha256_file(path)) for path in paths)
    return sha256_json(rows)


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return sha256_bytes(canonical_json(value).encode("utf-8"))


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces; NaN and infinity are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
