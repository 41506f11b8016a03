"""Check tasks, suites and templates and the files they name; every finding is one line, nothing raises.

Needs no model: images are opened, ids and image hashes compared, templates parsed and rendered.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cvit_bench import plugins
from cvit_bench.data.library import Library
from cvit_bench.data.prompts import variant_problems
from cvit_bench.data.samples import split_path
from cvit_bench.data.split_check import Home, first_few, read_for_check
from cvit_bench.data.split_files import SplitName
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import yaml_line
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template
from cvit_bench.resources import DATA_VARIABLE
from cvit_bench.text import unknown_name

_SHOWN = 3
R = TypeVar("R")


@dataclass
class Check:
    """A check in progress: what was found, which image was seen where, and how many splits lie elsewhere."""

    library: Library
    data_root: Path | None = None
    findings: list[str] = field(default_factory=list)
    unseen: int = 0
    images: dict[str, dict[str, Home]] = field(default_factory=dict)
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
        if task.released_scorer is not None:
            released = task.released_scorer
            self._about(path, "released_scorer", lambda: plugins.check(plugins.RELEASED, released))
        self._about(path, "reader", lambda: plugins.check(plugins.READERS, task.reader))
        template = self._template_of(path, task)
        if self._reads(path, task):
            for split in task.splits:
                self._split(path, task, split, template)

    def _reads(self, path: Path, task: Task) -> bool:
        """Look at the readers of the splits too; tell whether all of them are known."""
        before = len(self.findings)
        for name, split in task.splits.items():
            if split.reader is not None:
                self._reader(path, ("splits", name, "reader"), split.reader)
            if split.references is not None:
                self._reader(path, ("splits", name, "references", "reader"), split.references.reader)
        return task.reader in plugins.names(plugins.READERS) and len(self.findings) == before

    def _reader(self, path: Path, key: tuple[str, ...], reader: str) -> None:
        try:
            plugins.check(plugins.READERS, reader)
        except CvitBenchError as error:
            self.findings.append(f"{path}:{yaml_line(path, key)}: {'.'.join(key)}: {error}")

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

    def _split(self, path: Path, task: Task, split: SplitName, template: Template | None) -> None:
        where = f"{path}:{yaml_line(path, ('splits', split))}: splits.{split}"
        try:
            if self._is_elsewhere(task, split):
                self.unseen += 1
                return
            check = read_for_check(task, split, self.data_root)
        except CvitBenchError as error:
            self.findings += [f"{where}: {line}" for line in str(error).splitlines()]
            return
        for kind in check.kinds(template, self._seen(task)):
            self.findings += [_below(where, what) for what in first_few(kind, _SHOWN)]

    def _seen(self, task: Task) -> dict[str, Home]:
        """Return where pictures were seen; published tasks share some by design, each is held to itself."""
        return self.images.setdefault(task.name if task.downloads else "", {})

    def _is_elsewhere(self, task: Task, split: SplitName) -> bool:
        """Tell whether a split is data that nobody has named a place of."""
        is_told = self.data_root is not None or DATA_VARIABLE in os.environ or task.source == "embedded"
        return not is_told and not split_path(task, split).is_file()

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


def _below(where: str, what: str) -> str:
    """Return a finding behind its place; one that begins with a full stop is about a key below it."""
    return f"{where}{what}" if what.startswith(".") else f"{where}: {what}"
