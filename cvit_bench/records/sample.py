"""What lives inside one evaluation: samples, prompts, scores."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_bytes
from cvit_bench.records.template import Template, Variant

PictureFit = Literal["model", "pad"]

RIGHT = 0.5
"""From this share of a full score on an answer counts as right: half a point."""


@dataclass(frozen=True)
class Picture:
    """An encoded image: bytes at hand, or from elsewhere or a file when asked; and how it is to be shown."""

    place: str
    data: bytes | None = field(default=None, repr=False)
    fit: PictureFit = "model"
    fetch: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)

    def read(self) -> bytes:
        """Return the encoded bytes."""
        if self.data is not None:
            return self.data
        if self.fetch is not None:
            return self.fetch()
        try:
            return Path(self.place).read_bytes()
        except OSError as error:
            raise CvitBenchError(f"{self.place}: image cannot be read ({error.strerror})") from error

    @property
    def name(self) -> str:
        """What tells it from other pictures: its bytes where they are at hand, else where it lies."""
        return self.place if self.data is None else self.sha256

    @cached_property
    def sha256(self) -> str:
        """Hash of the encoded bytes and of how they are shown."""
        data = self.read()
        return sha256_bytes(data if self.fit == "model" else self.fit.encode() + b"\0" + data)


@dataclass(frozen=True)
class Sample:
    """An example before wording. `answers` are references: any of them is right.

    `prompt` is the wording that the data itself has, `place` the file and line it was read from.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    picture: Picture | None = None
    prompt: str | None = None
    place: str = field(default="", repr=False, compare=False)


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


@dataclass(frozen=True)
class ReleasedScore:
    """Verdict of a published script on one answer.

    Attributes:
        value: in [0, 1], or the scale that the scorer names as HIGHEST.
        form: whether the published rule calls the instruction followed; None where none was published.
        extracted: what the script took as the answer.
    """

    value: float
    form: bool | None
    extracted: str
