"""What lives inside one evaluation: samples, prompts, scores."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_bytes
from cvit_bench.records.template import Template, Variant


@dataclass(frozen=True)
class Picture:
    """An encoded image: bytes at hand, or a file read when asked."""

    place: str
    data: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return the encoded bytes."""
        if self.data is not None:
            return self.data
        try:
            return Path(self.place).read_bytes()
        except OSError as error:
            raise CvitBenchError(f"{self.place}: image cannot be read ({error.strerror})") from error

    @cached_property
    def sha256(self) -> str:
        """Hash of the encoded bytes."""
        return sha256_bytes(self.read())


@dataclass(frozen=True)
class Sample:
    """An example before wording. `answers` are references: any of them is right."""

    id: str
    question: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    picture: Picture | None = None


@dataclass(frozen=True)
class Prompt:
    """An example after wording: what the user turn says, its picture, and how long the answer may be.

    `template` and `wording` are what it was worded with, for methods that route by the instruction.
    """

    sample_id: str
    task: str
    variant: str
    text: str
    picture: Picture | None
    max_new_tokens: int
    template: Template | None = field(default=None, repr=False, compare=False)
    wording: Variant | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Score:
    """Verdict on one answer.

    Attributes:
        strict: S, in [0, 1] (CIDEr: in [0, 10]); right and in the form asked for.
        knowledge: K, at least S; the form ignored.
        form: F, the form was kept.
        extracted: what the scorer took as the answer.
    """

    strict: float
    knowledge: float
    form: bool
    extracted: str
