"""What is known of a leaderboard while it is filled: outcomes, failures, and the settings they lead to."""

import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.board_choice import Grid, grid
from benchmarks.board_jobs import Job, Kind, Plan, Settled, run_dir
from benchmarks.board_run import Outcome
from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import say
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.entry import Entry, entry_of
from cvit_bench.records.load import load_json
from cvit_bench.records.results import Results, results_path
from cvit_bench.text import first_line


@dataclass(frozen=True)
class Ran:
    """A run that is finished: what it took, and its results."""

    job: Job
    outcome: Outcome
    entry: Entry


@dataclass
class State:
    """Outcomes and failures of jobs so far."""

    plan: Plan
    jobs: Sequence[Job]
    outcomes: dict[Job, Outcome] = field(default_factory=dict)
    failures: dict[Job, str] = field(default_factory=dict)

    def take(self, job: Job, future: "Future[Outcome | None]") -> None:
        """Note what became of a job; a defect costs that job alone and leaves its trace on stderr."""
        error = future.exception()
        if error is None:
            found = future.result()
            if found is not None:
                self.note(job, found)
            return
        if isinstance(error, BrokenProcessPool):
            raise CvitBenchError(
                "a process was killed from outside, perhaps for memory; the same command goes on where it was"
            ) from error
        if isinstance(error, CvitBenchError):
            self.failures[job] = str(error)
        elif isinstance(error, Exception):
            say("".join(traceback.format_exception(error)))
            self.failures[job] = f"{type(error).__name__}: {first_line(error)}"
        else:
            raise error
        say(f"== {job.suite} {job.name} failed: {first_line(error)}")

    def note(self, job: Job, outcome: Outcome) -> None:
        """Note a finished job; a point of a grid may diverge, a run that counts may not."""
        self.outcomes[job] = outcome
        if job.kind == "run" and outcome.diverged:
            self.failures[job] = outcome.diverged

    @property
    def waiting(self) -> list[Job]:
        """Jobs that are neither done nor failed."""
        return [job for job in self.jobs if job not in self.outcomes and job not in self.failures]

    def grid(self, suite: str, contender: str, kind: Kind) -> Grid | None:
        """Return a grid of a contender, None where it has none; raise while a point of it is missing."""
        place = self.plan.choice(suite), contender, kind
        jobs = [job for job in self.jobs if (job.suite, job.contender, job.kind) == place]
        lacking = [job for job in jobs if job not in self.outcomes]
        if lacking:
            why = self.failures.get(lacking[0], "not run yet")
            raise CvitBenchError(f"nothing can be chosen without {lacking[0].name}: {why}")
        return grid({float(job.value or 0): self._scored(job) for job in jobs}) if jobs else None

    def settled(self, job: Job) -> Settled:
        """Return the settings that are chosen before a job starts."""
        place = job.suite, job.contender
        rates = self.grid(*place, "rate") if job.kind != "rate" else None
        strengths = self.grid(*place, "strength") if job.kind == "run" else None
        return Settled(rates.best.value if rates else None, strengths.best.value if strengths else None)

    def ran(self, suite: str, contender: str) -> list[Ran]:
        """Return the finished runs of a contender that count, in the order of their seeds."""
        return [one for one in self._runs if (one.job.suite, one.job.contender) == (suite, contender)]

    @cached_property
    def _runs(self) -> list[Ran]:
        done = [job for job in self.jobs if job.kind == "run" and job in self.outcomes]
        return [
            Ran(job, self.outcomes[job], entry_of(self._results(job)))
            for job in done
            if job not in self.failures
        ]

    def _scored(self, job: Job) -> Results | str:
        return self.outcomes[job].diverged or self._results(job)

    def _results(self, job: Job) -> Results:
        split = SplitChoice.TEST if job.kind == "run" else SplitChoice.VAL
        return load_json(results_path(run_dir(self.plan, job), split), Results)
