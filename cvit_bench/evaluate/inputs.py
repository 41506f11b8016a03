"""What an evaluation works on: manifest, suite, samples and prompts, each read once."""

from dataclasses import dataclass, field
from pathlib import Path

from cvit_bench.data.candidates import Candidates, allowed_answers
from cvit_bench.data.design import check_deal, deal
from cvit_bench.data.library import Library, open_suite
from cvit_bench.data.prompts import build_prompts, evaluation_variants
from cvit_bench.data.samples import data_hashes, load_samples
from cvit_bench.data.split_files import SplitName
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.manifest import MANIFEST, Manifest, load_manifest
from cvit_bench.records.plan import IMPORTED, Design, EvaluationPlan, load_plan, plan_path
from cvit_bench.records.sample import Prompt, Sample
from cvit_bench.records.suite import Suite
from cvit_bench.records.task import Task
from cvit_bench.records.template import Template, Variant
from cvit_bench.text import unknown_name


@dataclass
class RunInputs:
    """A run directory opened for reading, with the suite it is evaluated on."""

    run_dir: Path
    manifest: Manifest
    library: Library
    suite: Suite
    suite_spec: str
    limit: int | None = None
    data_root: Path | None = None
    split: SplitChoice = SplitChoice.TEST
    design: Design | None = None
    _tasks: dict[str, Task] = field(default_factory=dict)
    _templates: dict[str, Template] = field(default_factory=dict)
    _samples: dict[str, list[Sample]] = field(default_factory=dict)
    _worded: tuple[str, dict[str, list[Prompt]]] = ("", {})
    _dealt: dict[str, dict[str, list[Sample]]] = field(default_factory=dict)
    _allowed: dict[str, dict[str, Candidates]] = field(default_factory=dict)

    def task(self, name: str) -> Task:
        """Return a task of the suite."""
        if name not in self._tasks:
            self._tasks[name] = self.library.task(name)
        return self._tasks[name]

    def template(self, task: str) -> Template:
        """Return the template of a task."""
        if task not in self._templates:
            self._templates[task] = self.library.template(self.task(task).template)
        return self._templates[task]

    def variant(self, task: str, name: str) -> Variant:
        """Return one variant of a task's template, or what stands for the wordings of other tools."""
        if name == IMPORTED:
            return Variant(id=IMPORTED, split="train", text="{{ question }}")
        variants = {variant.id: variant for variant in self.template(task).variants}
        if name not in variants:
            raise CvitBenchError(f"task {task!r}: {unknown_name('variant', name, variants)}")
        return variants[name]

    def samples(self, task: str) -> list[Sample]:
        """Return the samples of a task that are asked, the first `limit` of them."""
        if task not in self._samples:
            self._samples[task] = load_samples(
                self.task(task), self._split, self.data_root, self.limit, self.manifest.holdout
            )
        return self._samples[task]

    def data_hashes(self, task: str) -> dict[str, str]:
        """Return the SHA-256 of every file that a task's samples come from, by its name below the root."""
        return data_hashes(self.task(task), self._split, self.data_root, self.manifest.holdout)

    @property
    def _split(self) -> SplitName:
        return "val" if self.split is SplitChoice.VAL else "test"

    def asked(self, task: str, variant: str) -> list[Sample]:
        """Return the samples of a task that are asked in one wording: all, or those of the design."""
        if self.design is None:
            return self.samples(task)
        if task not in self._dealt:
            self._dealt[task] = _dealt(self.template(task), self.samples(task), task, self.design)
        return self._dealt[task].get(variant, [])

    def allowed(self, task: str) -> dict[str, Candidates]:
        """Return the allowed answers of every sample of a task whose K is ranked, by the sample's id."""
        if task not in self._allowed:
            record, samples = self.task(task), self.samples(task)
            found = allowed_answers(record, samples, lambda: load_samples(record, "train", self.data_root))
            self._allowed[task] = {one.id: answers for one, answers in zip(samples, found, strict=True)}
        return self._allowed[task]

    def prompts(self, task: str, variant: str) -> list[Prompt]:
        """Return the prompts of a task in one wording, in sample order; those of one task are kept."""
        if self._worded[0] != task:
            self._worded = task, {}
        kept = self._worded[1]
        if variant not in kept:
            wording, asked = self.variant(task, variant), self.asked(task, variant)
            kept[variant] = build_prompts(self.task(task), self.template(task), wording, asked)
        return kept[variant]


def _dealt(template: Template, samples: list[Sample], task: str, design: Design) -> dict[str, list[Sample]]:
    """Return the samples that see each wording: paraphrases and form changes are dealt apart."""
    wordings = evaluation_variants(template, design.variants)
    found: dict[str, list[Sample]] = {}
    for name, is_change, num in (("paraphrase", False, design.per_sample), ("form change", True, 1)):
        kind = [one.id for one in wordings if (one.asks is not None) == is_change]
        if kind:
            per_sample = min(num, len(kind))
            check_deal(task, len(samples), len(kind), per_sample)
            hands = deal(len(samples), len(kind), per_sample, f"{design.seed}/{task}/{name}")
            for at, variant in enumerate(kind):
                found[variant] = [one for one, hand in zip(samples, hands, strict=True) if at in hand]
    return found


def open_run(
    run_dir: Path,
    suite: str | None = None,
    limit: int | None = None,
    data_root: Path | None = None,
    split: SplitChoice = SplitChoice.TEST,
    *,
    design: Design | None = None,
) -> RunInputs:
    """Open a run directory; `suite` replaces the one that the manifest names."""
    manifest = load_manifest(run_dir)
    library, found = open_suite(suite) if suite else _suite_of(run_dir, manifest)
    if suite is None and manifest.suite_version not in (None, found.version):
        raise CvitBenchError(
            f"{run_dir}/manifest.json: suite_version: the run was trained on version "
            f"{manifest.suite_version} of {found.name!r}, this installation has version {found.version}; "
            "train again, or name the suite with --suite to evaluate on the new version"
        )
    return RunInputs(
        run_dir, manifest, library, found, suite or manifest.suite, limit, data_root, split, design
    )


def _suite_of(run_dir: Path, manifest: Manifest) -> tuple[Library, Suite]:
    try:
        return open_suite(manifest.suite)
    except CvitBenchError as error:
        raise CvitBenchError(f"{run_dir / MANIFEST}: suite: {error}") from error


def open_planned(
    run_dir: Path, data_root: Path | None = None, split: SplitChoice = SplitChoice.TEST
) -> tuple[RunInputs, EvaluationPlan]:
    """Open a run that was evaluated, with the suite and samples of that evaluation, and its plan."""
    plan, path = load_plan(run_dir, split), plan_path(run_dir, split)
    inputs = open_run(run_dir, plan.suite, plan.limit, data_root, plan.split, design=plan.design)
    refuse_other_version(path, plan.suite_version, inputs.suite)
    if {stage.name for stage in plan.stages}.isdisjoint(cell.stage for cell in plan.cells):
        raise CvitBenchError(f"{path}: cells: no stage of the sequence was asked anything")
    return inputs, plan


def refuse_other_version(path: Path, version: int, suite: Suite) -> None:
    """Raise unless a suite still has the version that answers or scores were made for."""
    if version != suite.version:
        raise CvitBenchError(
            f"{path}: suite_version: made for version {version} of {suite.name!r}, this installation has "
            f"version {suite.version}; evaluate the run, or import it, again"
        )
