"""What is begun beside its place, to be renamed when it is whole, and removed when nothing came of it.

Who writes holds a lock on it (`flock`), which ends with the process however that ends: what nobody holds was
left by a killed one, and goes when the same file or folder is written again.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_ENDING = ".part"


@contextmanager
def begun(path: Path, is_folder: bool = False) -> Iterator[Path]:
    """Give a temporary file or folder beside `path`; on leaving it is gone, unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(path)
    temporary, handle = _make(path, is_folder)
    try:
        _lock(handle)
        yield temporary
    finally:
        _remove(temporary)
        os.close(handle)


def _make(path: Path, is_folder: bool) -> tuple[Path, int]:
    prefix = f".{path.name}."
    if not is_folder:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=_ENDING, dir=path.parent)
        return Path(name), handle
    folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=_ENDING, dir=path.parent))
    folder.chmod(0o755)
    return folder, os.open(folder, os.O_RDONLY)


def _remove_left(path: Path) -> None:
    """Remove what killed processes left of this file or folder."""
    for left in _parts(path.parent):
        rest = left.name.removeprefix(f".{path.name}.").removesuffix(_ENDING)
        if rest != left.name and "." not in rest and left.exists() and _is_left(left):
            _remove(left)


@cache
def _parts(folder: Path) -> tuple[Path, ...]:
    """Return what was begun in a folder before this process wrote there; listed once."""
    return tuple(folder.glob(f".*{_ENDING}"))


def _is_left(path: Path) -> bool:
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            return _lock(handle)
        finally:
            os.close(handle)
    return False


def _lock(handle: int) -> bool:
    """Take the lock of an open file or folder; False where another has it or there are no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
