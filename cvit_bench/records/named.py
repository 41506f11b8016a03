"""Words of the command line that a manifest takes as names."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import Name
from cvit_bench.records.manifest import BaseModelRef


def run_name(run_dir: Path) -> str:
    """Return the name of a run, its folder's."""
    return as_name(f"--run-dir {run_dir}: the folder's name is the run's:", run_dir.resolve().name)


def as_name(what: str, word: str) -> str:
    """Return a word that can be a name; raise with what it was meant for where it cannot."""
    try:
        return TypeAdapter(Name).validate_python(word)
    except ValidationError as error:
        raise CvitBenchError(
            f"{what} {word!r}: letters, digits, '.', '_' and '-' only, 120 at most, first a letter or digit"
        ) from error


def as_base(path: str, revision: str | None = None) -> BaseModelRef:
    """Return the base that `--base` names."""
    if not path:
        raise CvitBenchError("--base: expected a folder, a hub id or embedded:NAME (got '')")
    return BaseModelRef(path=path, revision=revision)
