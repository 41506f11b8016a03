"""What a leaderboard asks for as a list of runs: the grids a setting is chosen from, then every seed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.board_table import Contender, hooked
from cvit_bench.data.library import open_suite
from cvit_bench.records.choices import CellChoice

CHOICE_SEED = 100
CHOICE_STAGES = 2
HOLDOUT = 0.2
Kind = Literal["rate", "strength", "run"]
_EARLIER: dict[Kind, tuple[Kind, ...]] = {"rate": (), "strength": ("rate",), "run": ("rate", "strength")}


@dataclass(frozen=True)
class Plan:
    """What is to be run, where it goes, and for trials fewer samples or other settings.

    `cells` are those of every run that counts; the whole matrix is asked with the first seeds in any case.
    """

    contenders: Mapping[str, Contender]
    rates: tuple[float, ...]
    suites: tuple[str, ...]
    seeds: tuple[int, ...]
    router_seeds: tuple[int, ...]
    out: Path
    chosen_on: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    limit: int | None = None
    base: str | None = None
    data_root: Path | None = None
    device: str = "cpu"
    cells: CellChoice = CellChoice.FULL

    def choice(self, suite: str) -> str:
        """Return the suite on which the settings of a suite's runs are chosen."""
        return self.chosen_on.get(suite, suite)


@dataclass(frozen=True)
class Job:
    """One run: a point of a grid (`value`), or a seed that counts."""

    suite: str
    contender: str
    kind: Kind
    value: float | None = None
    seed: int | None = CHOICE_SEED
    router_seed: int | None = None

    @property
    def name(self) -> str:
        """Name of the run."""
        if self.kind != "run":
            return f"{self.contender}-{self.kind}-{self.value:g}".replace("+", "")
        seed = "" if self.seed is None else f"-{self.seed}"
        return f"{self.contender}{seed}" + ("" if self.router_seed is None else f"-r{self.router_seed}")


@dataclass(frozen=True)
class Settled:
    """The settings that were chosen for a contender on a suite; None where it has nothing to choose."""

    rate: float | None = None
    strength: float | None = None


def all_jobs(plan: Plan) -> list[Job]:
    """Return all runs, in the order in which they are wanted: suite by suite, the first seed of all first."""
    jobs: list[Job] = []
    for suite in plan.suites:
        for number, seed in enumerate(plan.seeds):
            for name, contender in plan.contenders.items():
                trains = hooked(contender).schedule != "none"
                if number == 0 and trains:
                    jobs += [job for job in _grid(plan, plan.choice(suite), name) if job not in jobs]
                if number == 0 or trains:
                    jobs.append(Job(suite, name, "run", seed=seed if trains else None))
        for name, contender in plan.contenders.items():
            if contender.router_seeds:
                jobs += [
                    Job(suite, name, "run", seed=plan.seeds[0], router_seed=router)
                    for router in plan.router_seeds
                    if router  # 0 is every method's own: the run of the training seed has it
                ]
    return jobs


def _grid(plan: Plan, suite: str, name: str) -> list[Job]:
    strength = plan.contenders[name].strength
    rates = [Job(suite, name, "rate", rate) for rate in plan.rates]
    return rates + [Job(suite, name, "strength", value) for value in (strength.values if strength else ())]


def needs(plan: Plan, job: Job, jobs: Sequence[Job]) -> Collection[Job]:
    """Return what must be done before a job can start: the grids of its contender that come before it."""
    kinds = _EARLIER[job.kind]
    return {
        one
        for one in jobs
        if one.kind in kinds and one.contender == job.contender and one.suite == plan.choice(job.suite)
    }


def run_dir(plan: Plan, job: Job) -> Path:
    """Return where a run lies."""
    folder = plan.out / Path(job.suite).stem
    return folder / job.name if job.kind == "run" else folder / "grid" / job.name


def train_words(plan: Plan, job: Job, settled: Settled) -> list[str]:
    """Return the command that trains a run, without its folder."""
    contender = plan.contenders[job.contender]
    words = ["train", "--method", contender.method, "--suite", job.suite, "--device", plan.device]
    words += [] if job.seed is None else ["--seed", str(job.seed)]
    words += [] if contender.title is None else ["--title", contender.title]
    words += [] if plan.base is None else ["--base", plan.base]
    words += [word for hook in contender.hooks for word in ("--hook", hook)]
    words += [word for setting in _settings(plan, job, settled) for word in ("--set", setting)]
    if job.kind != "run":
        stages = min(CHOICE_STAGES, len(open_suite(job.suite)[1].train))
        words += ["--holdout", str(HOLDOUT), "--stages", str(stages)]
    elif not _is_first(plan, job):
        words.append("--no-few-shot")
    return words + _data(plan)


def _is_first(plan: Plan, job: Job) -> bool:
    return job.seed in (None, plan.seeds[0]) and not job.router_seed


def _settings(plan: Plan, job: Job, settled: Settled) -> list[str]:
    contender = plan.contenders[job.contender]
    rate = job.value if job.kind == "rate" else settled.rate
    strength = job.value if job.kind == "strength" else settled.strength
    found = [*plan.overrides, *contender.words()]
    found += [] if rate is None else [f"training.learning_rate={rate:g}"]
    if strength is not None and contender.strength is not None:
        found.append(f"{contender.strength.key}={strength:g}")
    return found + ([] if job.router_seed is None else [f"adapter.router_seed={job.router_seed}"])


def evaluate_words(plan: Plan, job: Job) -> list[str]:
    """Return the command that evaluates a run, without its folder.

    Points of a grid are asked about held-out samples, at their last stage alone.
    """
    words = ["evaluate", "--device", plan.device]
    if job.kind != "run":
        words += ["--split", "val", "--cells", "final"]
    elif not _is_first(plan, job):
        words += [] if plan.cells is CellChoice.FULL else ["--cells", plan.cells.value]
    words += [] if plan.limit is None else ["--limit", str(plan.limit)]
    return words + _data(plan)


def _data(plan: Plan) -> list[str]:
    return [] if plan.data_root is None else ["--data-root", str(plan.data_root)]
