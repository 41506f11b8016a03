"""Check one split: rows, ids, count, hash, images, answers, wordings; every fault has file, line and id."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cvit_bench.data.candidates import allowed_answers, holds_right
from cvit_bench.data.images import open_picture
from cvit_bench.data.joining import joined
from cvit_bench.data.prompts import render, variant_problems
from cvit_bench.data.samples import load_samples, split_file
from cvit_bench.data.split_files import SplitFiles, SplitName, files_of
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file
from cvit_bench.records.form import form_kept, shaped
from cvit_bench.records.sample import Picture, Sample
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template

_FEWEST = 2

Home = tuple[str, str]
"""Task and split."""


@dataclass
class SplitCheck:
    """A split that was read for checking: the samples that could be read, what was wrong, its pictures."""

    files: SplitFiles
    samples: list[Sample] = field(default_factory=list)
    faults: list[CvitBenchError] = field(default_factory=list)
    images: set[str] = field(default_factory=set)

    @property
    def task(self) -> Task:
        """The task."""
        return self.files.task

    @property
    def wordings(self) -> int | None:
        """How many instructions stand in the last lines of published prompts; None where prompts are ours."""
        if self.task.prompts != "data":
            return None
        cut = (sample.prompt.rpartition("\n") for sample in self.samples if sample.prompt is not None)
        return len({last for _, newline, last in cut if newline})

    def kinds(
        self, template: Template | None, seen: dict[str, Home], images: bool = True
    ) -> Iterator[list[str]]:
        """Yield what is wrong, a list for each kind of finding.

        `seen` says which image was met where; without `images` none is opened.
        """
        yield [line for fault in self.faults for line in str(fault).splitlines()]
        yield self._pins()
        yield list(self._ids())
        yield list(self._images(seen)) if images else []
        yield list(self._answers())
        yield list(self._candidates())
        yield list(self._wording(template))

    def _pins(self) -> list[str]:
        split, found = self.files.split, []
        if split.count not in (None, len(self.samples)):
            found.append(f".count: {self.files.file}: holds {len(self.samples)} samples, not {split.count}")
        if split.sha256 is not None and (is_now := sha256_file(self.files.file)) != split.sha256:
            found.append(f".sha256: {self.files.file}: its hash is {is_now}")
        if not self.samples and not self.faults:
            found.append(f"{self.files.file}: holds no sample")
        return found

    def _ids(self) -> Iterator[str]:
        first: dict[str, str] = {}
        for sample in self.samples:
            if sample.id in first:
                yield f"{_where(sample)}: stands twice (first at {first[sample.id] or self.files.file})"
            first.setdefault(sample.id, sample.place)

    def _images(self, seen: dict[str, Home]) -> Iterator[str]:
        home, opened = (self.task.name, self.files.name), dict[int, str | None]()
        for sample in self.samples:
            if sample.picture is None:
                continue
            key = id(sample.picture)
            if key not in opened:
                opened[key] = self._image_fault(sample.picture, home, seen)
            if opened[key] is not None:
                yield f"{_where(sample)}: {opened[key]}"

    def _image_fault(self, picture: Picture, home: Home, seen: dict[str, Home]) -> str | None:
        try:
            open_picture(picture)
        except CvitBenchError as error:
            return str(error)
        self.images.add(picture.sha256)
        other = seen.setdefault(picture.sha256, home)
        return None if other == home else f"image: shared with the {other[1]} split of {other[0]}"

    def _answers(self) -> Iterator[str]:
        for sample in self.samples:
            where = f"{_where(sample)}: answers"
            outside = [a for a in sample.answers if self.task.classes and a not in self.task.classes]
            if outside:
                yield f"{where}: {outside[0]!r} is none of the task's classes"
            broken = [answer for answer in sample.answers if not self._keeps_form(answer)]
            if broken:
                yield f"{where}: {broken[0]!r} breaks the form asked for"

    def _keeps_form(self, answer: str) -> bool:
        """Tell whether a reference has the form; published ones know nothing of our limits on words."""
        form, limits = self.task.answer_form, self.task.form
        if self.task.prompts == "data":
            return shaped(form, limits.letters, answer.strip())
        return form_kept(form, limits, answer)

    def _candidates(self) -> Iterator[str]:
        """Check that every sample that is asked has allowed answers to rank, a right one among them."""
        if self.files.name == "train" or not self.task.sources:
            return
        root = self.files.root
        try:
            found = allowed_answers(self.task, self.samples, lambda: load_samples(self.task, "train", root))
        except CvitBenchError as error:
            yield f"candidates: {error}"
            return
        for sample, candidates in zip(self.samples, found, strict=True):
            if len(candidates) < _FEWEST:
                what = f"{len(candidates)} allowed answers; ranking needs two"
                yield f"{_where(sample)}: candidates: {what}"
            elif not holds_right(sample, candidates):
                listed = f"{candidates[0][0]!r} to {candidates[-1][0]!r}"
                what = f"none of {len(candidates)} ({listed}) is a right answer"
                yield f"{_where(sample)}: candidates: {what}"

    def _wording(self, template: Template | None) -> Iterator[str]:
        """Word each question that there is once: samples differ in pictures more than in words."""
        asked: dict[tuple[str, tuple[str, ...]], Sample] = {}
        for sample in self.samples:
            asked.setdefault((sample.question, sample.choices), sample)
        for variant in template.variants if template is not None else ():
            try:
                for sample in asked.values() if not variant_problems(variant) else ():
                    render(str(template and template.name), variant, sample)
            except CvitBenchError as error:
                yield str(error)
        if self.task.prompts == "data":
            without = (sample for sample in self.samples if sample.prompt is None)
            yield from (f"{_where(sample)}: prompts: data: the row has none" for sample in without)


def read_for_check(task: Task, split: SplitName, root: Path | None = None) -> SplitCheck:
    """Read all of a split that can be read, from its own files; raise when one of them is not there."""
    split_file(task, split, root)
    check = SplitCheck(files_of(task, split, root))
    beside = replace(check.files.beside, refuse=check.faults.append)
    try:
        check.samples.extend(joined(check.files, beside))
    except CvitBenchError as error:
        check.faults.append(error)
    return check


def first_few(findings: list[str], shown: int) -> list[str]:
    """Return the first few findings of a kind and a line that counts the others."""
    more = len(findings) - shown
    return [*findings[:shown], *([f"… and {more} more of this kind"] if more > 0 else [])]


def overlaps(checks: list[SplitCheck]) -> Counter[tuple[Home, Home]]:
    """Count the pictures that two splits share, by their content, for every pair that shares any."""
    homes: dict[str, set[Home]] = {}
    for check in checks:
        for image in check.images:
            homes.setdefault(image, set()).add((check.task.name, check.files.name))
    shared: Counter[tuple[Home, Home]] = Counter()
    for found in homes.values():
        several = sorted(found)
        shared.update((one, other) for at, one in enumerate(several) for other in several[at + 1 :])
    return shared


def _where(sample: Sample) -> str:
    return f"{sample.place}: id {sample.id}" if sample.place else f"id {sample.id}"
