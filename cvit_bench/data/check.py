"""Check tasks, suites and templates and the files they name; every finding is one line, nothing raises.

Needs no model: images are opened, ids and image hashes compared, templates parsed and rendered.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cvit_bench import plugins
from cvit_bench.data.candidates import allowed_answers, holds_right
from cvit_bench.data.images import open_picture
from cvit_bench.data.library import Library
from cvit_bench.data.prompts import render, variant_problems
from cvit_bench.data.samples import check_ids, load_samples, read_samples, split_file
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.files import sha256_file
from cvit_bench.records.form import form_kept
from cvit_bench.records.load import yaml_line
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template
from cvit_bench.text import unknown_name

_SHOWN = 3
_FEWEST = 2
R = TypeVar("R")


@dataclass
class Check:
    """A check in progress: what was found, and which image was seen where."""

    library: Library
    data_root: Path | None = None
    findings: list[str] = field(default_factory=list)
    images: dict[str, tuple[str, str]] = field(default_factory=dict)
    templates: dict[Path, Template | None] = field(default_factory=dict)

    def template(self, path: Path) -> Template | None:
        """Check one template file, once; return it when it can be read."""
        if path in self.templates:
            return self.templates[path]
        template = self._read(lambda: self.library.template(path.stem))
        self.templates[path] = template
        for at, variant in enumerate(template.variants if template else ()):
            for what in variant_problems(variant):
                line = yaml_line(path, ("variants", at, "text"))
                self.findings.append(f"{path}:{line}: variants.{at}.text: {what}")
        return template

    def suite(self, path: Path) -> None:
        """Check one suite file: every task it names exists."""
        suite = self._read(lambda: self.library.suite(path.stem))
        for name in suite.tasks if suite else ():
            if name not in self.library.tasks:
                what = unknown_name("task", name, self.library.tasks)
                key = "train" if suite and name in suite.train else "unseen"
                self.findings.append(f"{path}:{yaml_line(path, (key,))}: {key}: {what}")

    def task(self, path: Path) -> None:
        """Check one task file and all that it names: scorer, reader, template, annotation files, images."""
        task = self._read(lambda: self.library.task(path.stem))
        if task is None:
            return
        self._about(path, "scorer", lambda: plugins.check(plugins.SCORERS, task.scorer))
        self._about(path, "reader", lambda: plugins.check(plugins.READERS, task.reader))
        template = self._template_of(path, task)
        if task.reader in plugins.names(plugins.READERS):
            for split in task.splits:
                self._split(path, task, split, template)

    def _template_of(self, path: Path, task: Task) -> Template | None:
        if task.template not in self.library.templates:
            what = unknown_name("template", task.template, self.library.templates)
            self.findings.append(f"{path}:{yaml_line(path, ('template',))}: template: {what}")
            return None
        template = self.template(self.library.templates[task.template])
        if template is not None and template.answer_form is not task.answer_form:
            where = f"{path}:{yaml_line(path, ('answer_form',))}: answer_form: {task.answer_form.value}"
            asked = template.answer_form.value
            self.findings.append(f"{where}, but template {template.name!r} asks for {asked}")
        return template

    def _split(self, path: Path, task: Task, split: str, template: Template | None) -> None:
        name = next(known for known in task.splits if known == split)
        key = f"splits.{split}"
        where = f"{path}:{yaml_line(path, ('splits', split))}: {key}"
        try:
            file = split_file(task, name, self.data_root)
            samples = list(read_samples(task, file))
            check_ids(file, samples)
        except CvitBenchError as error:
            self.findings += [f"{where}: {line}" for line in str(error).splitlines()]
            return
        self._pins(where, task, split, file, len(samples))
        for kind in (self._image, self._answers, self._candidates, self._wording(template)):
            self._few(where, kind(task, split, samples))

    def _pins(self, where: str, task: Task, split: str, file: Path, count: int) -> None:
        pinned = next(value for name, value in task.splits.items() if name == split)
        if pinned.count not in (None, count):
            self.findings.append(f"{where}.count: the file holds {count} samples, not {pinned.count}")
        if pinned.sha256 is not None and (found := sha256_file(file)) != pinned.sha256:
            self.findings.append(f"{where}.sha256: {file}: its hash is {found}")
        if count == 0:
            self.findings.append(f"{where}: {file}: holds no sample")

    def _image(self, task: Task, split: str, samples: list[Sample]) -> Iterator[str]:
        for sample in samples:
            if sample.picture is None:
                continue
            try:
                open_picture(sample.picture)
            except CvitBenchError as error:
                yield f"{sample.id}: {error}"
                continue
            home = (task.name, split)
            other = self.images.setdefault(sample.picture.sha256, home)
            if other != home:
                whose = f"the {other[1]} split of {other[0]}"
                yield f"{sample.id}: image: shared with {whose}"

    @staticmethod
    def _answers(task: Task, _: str, samples: list[Sample]) -> Iterator[str]:
        for sample in samples:
            where = f"{sample.id}: answers"
            outside = [answer for answer in sample.answers if task.classes and answer not in task.classes]
            if outside:
                yield f"{where}: {outside[0]!r} is none of the task's classes"
            broken = [a for a in sample.answers if not form_kept(task.answer_form, task.form, a)]
            if broken:
                yield f"{where}: {broken[0]!r} breaks the form asked for"

    def _candidates(self, task: Task, split: str, samples: list[Sample]) -> Iterator[str]:
        """Check that every sample that is asked has allowed answers to rank, a right one among them."""
        if split == "train" or not task.sources:
            return
        try:
            found = allowed_answers(task, samples, lambda: load_samples(task, "train", self.data_root))
        except CvitBenchError as error:
            yield f"candidates: {error}"
            return
        for sample, candidates in zip(samples, found, strict=True):
            if len(candidates) < _FEWEST:
                yield f"{sample.id}: candidates: {len(candidates)} allowed answers; ranking needs two"
            elif not holds_right(sample, candidates):
                listed = f"{candidates[0][0]!r} to {candidates[-1][0]!r}"
                yield f"{sample.id}: candidates: none of {len(candidates)} ({listed}) is a right answer"

    @staticmethod
    def _wording(template: Template | None) -> Callable[[Task, str, list[Sample]], Iterator[str]]:
        def problems(_: Task, __: str, samples: list[Sample]) -> Iterator[str]:
            variants = template.variants if template is not None else ()
            for variant in variants:
                try:
                    for sample in samples if not variant_problems(variant) else ():
                        render(str(template and template.name), variant, sample)
                except CvitBenchError as error:
                    yield str(error)

        return problems

    def _few(self, where: str, findings: Iterator[str]) -> None:
        """Take the first few findings of a kind and count the others."""
        found = list(findings)
        self.findings += [f"{where}: {what}" for what in found[:_SHOWN]]
        if len(found) > _SHOWN:
            self.findings.append(f"{where}: … and {len(found) - _SHOWN} more of this kind")

    def _about(self, path: Path, key: str, look: Callable[[], None]) -> None:
        try:
            look()
        except CvitBenchError as error:
            self.findings.append(f"{path}:{yaml_line(path, (key,))}: {key}: {error}")

    def _read(self, load: Callable[[], R]) -> R | None:
        try:
            return load()
        except CvitBenchError as error:
            self.findings += str(error).splitlines()
            return None
