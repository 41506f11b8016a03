"""`results.json`: the matrices and metrics of one run, in percent, with their intervals."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.base import FileRecord, Name, Record
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import Schedule, TaskIdentity
from cvit_bench.records.plan import plan_path, typed_path
from cvit_bench.records.suite import TemplateSetting

RESULTS = "results.json"


class Estimate(Record):
    """A mean in percent with its 95 % interval."""

    value: float
    ci_low: float
    ci_high: float


class Cell(Record):
    """One task at one stage under one variant.

    A form change asks for another answer form: its F and S are those of that form, and it is part of no
    matrix and no metric. `knowledge` is ranked where the task's is, `lenient` what the output says.
    """

    stage: int = Field(ge=0)
    task: Name
    variant: Name
    form_change: bool = False
    n: int = Field(ge=1)
    strict: Estimate
    knowledge: Estimate
    form: Estimate
    lenient: Estimate | None = None


class MetricResult(Record):
    """One number about the whole run. `value` is null where it is undefined; `reason` then says why."""

    id: Name
    label: str
    description: str
    formula: str
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    higher_is_better: bool
    reason: str | None = None


class StageInfo(Record):
    """A row of the matrices."""

    name: Name
    tasks: tuple[Name, ...] = ()


class FewShot(Record):
    """An unseen task after tuning the last checkpoint, or the base, on so many samples a class of it."""

    task: Name
    shots: int = Field(ge=1)
    from_base: bool = False
    n: int = Field(ge=1)
    strict: Estimate
    knowledge: Estimate
    form: Estimate
    lenient: Estimate | None = None


class TaskScore(Record):
    """S of a task at the last stage with its interval; of a per-task run, at the task's own stage."""

    task: Name
    strict: Estimate


Measure = Literal["ranked", "lenient", "lenient (no likelihoods)"]


class FewShotPoint(Record):
    """Strict score of an unseen task after so many samples a class of it.

    `base` is the score of the untouched base tuned on the same samples, and `added` what the sequence added:
    strict − base, sample by sample; null where the base was not tuned or not asked.
    """

    shots: int = Field(ge=0)
    strict: Estimate
    base: Estimate | None = None
    added: Estimate | None = None


class FewShotCurve(Record):
    """Score against shots, from the last stage (0 shots) on; `base` is the untouched base, never tuned."""

    task: Name
    base: Estimate | None = None
    points: tuple[FewShotPoint, ...]


class Wordings(Record):
    """One task at one stage over the paraphrases of its instruction; scores are S in percent.

    Attributes:
        wordings: how many there are.
        per_sample: how many of them each sample saw; fewer than all in an incomplete design.
        worst_variant: the one with the lowest score.
        spread: best minus worst.
        agreement: share of pairs of wordings of a sample with one verdict; null for captions.
        consistency: share of samples with one verdict in all wordings; null where a sample saw some only.
        gap: mean over train wordings minus mean over heldout ones; null without one of the two.
        heldout: the wordings that training never sees.
    """

    stage: int = Field(ge=0)
    task: Name
    wordings: int = Field(ge=2)
    per_sample: int = Field(ge=2)
    mean: Estimate
    worst: Estimate
    worst_variant: Name
    spread: Estimate
    agreement: Estimate | None = None
    consistency: Estimate | None = None
    gap: Estimate | None = None
    heldout: tuple[Name, ...] = ()


class FormChanges(Record):
    """One task at one stage, asked for the same content in other forms: obeying apart from knowing.

    `form` is the share of answers in the form asked for, `knowledge` the lenient score of these answers.
    """

    stage: int = Field(ge=0)
    task: Name
    form: Estimate
    knowledge: Estimate


class Series(Record):
    """A metric of the run as if it had ended at each of its stages, stage 0 first; null where undefined."""

    id: Name
    values: tuple[Estimate | None, ...]


class SplitChange(Record):
    """A change of S since a task's own stage, in points: change = seeing + obeying (negative: forgetting).

    Attributes:
        task: null for the mean over the tasks trained before `stage`.
        stage: null for the mean over all stages after the task's own.
        captions: whether tasks scored against whole sentences are part of a mean over tasks.
        seeing: the change of K. obeying: minus the change of G = K − S.
    """

    task: Name | None = None
    stage: int | None = Field(default=None, ge=0)
    captions: bool = True
    change: Estimate
    seeing: Estimate
    obeying: Estimate


class Outcomes(Record):
    """How many answers to a task at a stage were right in content, and in the form asked for.

    `known` counts those with S = 0 whose right answer is ranked first, by chance or not; null where nothing
    was ranked.
    """

    stage: int = Field(ge=0)
    task: Name
    right_kept: int
    right_broken: int
    wrong_kept: int
    wrong_broken: int
    known: int | None = None


class Flips(Record):
    """How many samples of a task a stage lost (right before it, wrong after it), and how many it regained.

    `lost_known` are those lost ones whose right answer was still known.
    """

    stage: int = Field(ge=1)
    task: Name
    lost: int
    lost_known: int
    regained: int


class TaskInfo(Record):
    """A column of the matrices.

    `n` is null where scores came without samples, `knowledge`, how K was measured, in files of before.
    """

    name: Name
    title: str
    scorer: str
    answer_form: str
    unseen: bool
    n: int | None = Field(default=None, ge=1)
    knowledge: Measure | None = None


Matrix = tuple[tuple[float | None, ...], ...]


class Matrices(Record):
    """Scores [stage][task] in percent, averaged over paraphrases; null where not run.

    S strict score, K knowledge score (as the task has it: ranked or lenient), F share of answers that kept
    the form, L lenient knowledge of every task; null in files of before.
    """

    S: Matrix
    K: Matrix
    F: Matrix
    L: Matrix | None = None


class Released(Record):
    """The same answers judged as published scripts do, for comparison with their tables; never ranked.

    Attributes:
        scorers: task -> its released scorer. The other tasks have none: their strict score and form stand in.
        S: scores as released [stage][task], in percent.
        F: share of answers that follow the instruction by the published rule, where there is one.
        metrics: metrics of these two matrices.
    """

    scorers: dict[Name, str]
    S: Matrix
    F: Matrix
    metrics: tuple[MetricResult, ...]


class RunSummary(FileRecord):
    """What a run's results and its leaderboard entry have in common."""

    suite: Name
    suite_version: int
    method: Name
    title: str
    schedule: Schedule
    seeds: tuple[int, ...]
    task_identity: TaskIdentity
    templates: TemplateSetting
    variants: tuple[str, ...]
    stages: tuple[StageInfo, ...]
    tasks: tuple[TaskInfo, ...]
    matrices: Matrices
    task_scores: tuple[TaskScore, ...] = ()
    few_shot: tuple[FewShot, ...] = ()
    metrics: tuple[MetricResult, ...]
    series: tuple[Series, ...] = ()
    provenance: dict[str, Any]

    def metric(self, name: str) -> MetricResult | None:
        """Return the metric with that id, or None."""
        return next((metric for metric in self.metrics if metric.id == name), None)


class Results(RunSummary):
    """What `results.json` holds. The same predictions give the same bytes.

    `split` is what was asked; `shortened` says that the run learned the first tasks of its suite only.
    """

    run: Name
    split: SplitChoice = SplitChoice.TEST
    shortened: bool = False
    cells: tuple[Cell, ...]
    splits: tuple[SplitChange, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    flips: tuple[Flips, ...] = ()
    wordings: tuple[Wordings, ...] = ()
    form_changes: tuple[FormChanges, ...] = ()
    few_shot_curves: tuple[FewShotCurve, ...] = ()
    released: Released | None = None


def results_path(run_dir: Path, split: SplitChoice = SplitChoice.TEST) -> Path:
    """Return where the results of a split lie: `results.json`, or `results-val.json`."""
    path = run_dir / RESULTS
    return path.with_stem(split.named(path.stem))


def load_results(path: Path) -> Results:
    """Read a run's results; where there are none yet, say what makes them."""
    if path.parent.is_dir() and not path.exists():
        run_dir = path.parent
        verb = "score" if plan_path(run_dir).exists() or typed_path(run_dir).exists() else "evaluate"
        raise CvitBenchError(f"{path}: no such file; cvit-bench {verb} --run-dir {run_dir} makes it")
    return load_json(path, Results)
