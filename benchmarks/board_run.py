"""One run of a leaderboard: the two commands as a user would give them, with what they took.

What a finished run took is kept in `kept/<run>.json` beside the run's folder, under the hash of the commands,
the method and the suite; with it the run is not opened again while its results are the same bytes.
"""

import io
import shlex
import shutil
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from benchmarks.board_jobs import Job, Plan, Settled, evaluate_words, run_dir, train_words
from benchmarks.board_table import hooked
from benchmarks.clock import Clock
from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.progress import plain, say
from cvit_bench.records.base import FileRecord, Sha256
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.files import sha256_file, sha256_json
from cvit_bench.records.load import load_json, save_json
from cvit_bench.records.manifest import Manifest, load_manifest
from cvit_bench.records.results import results_path

DIVERGED = "the loss became"
KEPT_VERSION = 1


class Outcome(FileRecord):
    """What a run took; `diverged` says why there is none.

    Seconds are those of a processor on `cpu` and of the wall elsewhere, null where work was resumed.
    `weights` learn at the first stage; `rank` is the adapter's total rank.
    """

    key: Sha256
    commands: tuple[tuple[str, ...], ...]
    results: Sha256 | None = None
    diverged: str | None = None
    train_seconds: float | None = None
    evaluate_seconds: float | None = None
    weights: int | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Order:
    """A run to be made."""

    key: str
    run_dir: Path
    results: Path
    train: tuple[str, ...]
    evaluate: tuple[str, ...]
    on_cpu: bool

    @property
    def kept(self) -> Path:
        """Where its outcome is kept."""
        return self.run_dir.parent / "kept" / f"{self.run_dir.name}.json"


def order(plan: Plan, job: Job, settled: Settled) -> Order:
    """Return what is to be done for a job."""
    folder = run_dir(plan, job)
    train, evaluate = train_words(plan, job, settled), evaluate_words(plan, job)
    method, suite = hooked(plan.contenders[job.contender]), open_suite(job.suite)[1]
    about = [method.model_dump(mode="json"), suite.model_dump(mode="json")]
    split = SplitChoice.TEST if job.kind == "run" else SplitChoice.VAL
    return Order(
        key=sha256_json([KEPT_VERSION, train, evaluate, about]),
        run_dir=folder,
        results=results_path(folder, split),
        train=(*train, "--run-dir", str(folder)),
        evaluate=(*evaluate, "--run-dir", str(folder)),
        on_cpu=plan.device == "cpu",
    )


def kept(order: Order) -> Outcome | None:
    """Return the outcome of a run that is finished, with the same commands and unchanged results."""
    if not order.kept.exists():
        return None
    found = load_json(order.kept, Outcome)
    if found.key != order.key:
        return None
    there = sha256_file(order.results) if order.results.exists() else None
    return found if found.diverged or there == found.results else None


def carry_out(order: Order, train_only: bool = False) -> Outcome | None:
    """Train and evaluate a run; cvit-bench itself reuses what is there of it. None: not evaluated."""
    import cvit_bench.models.loading  # noqa: F401  torch is loaded once a process: that is no run's time

    plain()
    say(f"== {order.run_dir.name}")
    discard_former(order)
    clock = Clock(
        order.run_dir.parent / "seconds" / f"{order.run_dir.name}.json",
        time.process_time if order.on_cpu else time.monotonic,
    )
    commands = (order.train, order.evaluate)
    try:
        with clock("train", is_new=not order.run_dir.exists()):
            call(order.train)
    except CvitBenchError as error:
        if not str(error).startswith(DIVERGED):
            raise
        outcome = Outcome(key=order.key, commands=commands, diverged=str(error))
        save_json(order.kept, outcome)
        return outcome
    if train_only:
        return None
    with clock("evaluate", is_new=not any(order.run_dir.glob("predictions*"))):
        call((*order.evaluate, *_reuse(order)))
    manifest = load_manifest(order.run_dir)
    outcome = Outcome(
        key=order.key,
        commands=commands,
        results=sha256_file(order.results),
        train_seconds=clock.seconds.get("train"),
        evaluate_seconds=clock.seconds.get("evaluate"),
        weights=learning_weights(order.run_dir, manifest),
        rank=manifest.config["adapter_config"].get("rank"),
    )
    save_json(order.kept, outcome)
    return outcome


def discard_former(order: Order) -> None:
    """Remove a finished run that was trained with other settings, when the choice among rates has changed."""
    if not order.kept.exists():
        return
    former = load_json(order.kept, Outcome).commands[:1]
    if former and former[0][:-1] != order.train[:-1]:  # the last word is the folder, however it is written
        say(f"{order.run_dir.name}: was trained with other settings ({shlex.join(former[0][:-2])}); anew")
        shutil.rmtree(order.run_dir, ignore_errors=True)
        order.kept.unlink()


def _reuse(order: Order) -> list[str]:
    """Return what lets a run take over the base's answers from one that was replayed before."""
    others = sorted(
        path.parent for path in order.run_dir.parent.glob("*/results.json") if path.parent != order.run_dir
    )
    return [word for other in others[:1] for word in ("--reuse", str(other))]


def call(words: Sequence[str]) -> None:
    """Give a command to cvit-bench, without its table on stdout."""
    from typer.main import get_command

    from cvit_bench.cli.main import app

    try:
        with redirect_stdout(io.StringIO()):
            get_command(app).main(list(words), prog_name="cvit-bench", standalone_mode=False)
    except Exception as error:
        is_usage = hasattr(
            error, "format_message"
        )  # of typer's own class of errors, which it does not export
        if not is_usage:
            raise
        raise CvitBenchError(f"cvit-bench {shlex.join(words)}: {error.format_message()}") from error


def learning_weights(run_dir: Path, manifest: Manifest) -> int:
    """Return how many weights learn at a run's first stage."""
    from cvit_bench.models.family import Placement, family_of
    from cvit_bench.models.folders import base_folder, base_sha256
    from cvit_bench.models.loading import load_base
    from cvit_bench.train.adapted import StageStart, attach
    from cvit_bench.train.settings import TrainSettings

    if not manifest.stages:
        return 0
    settings = TrainSettings.model_validate(manifest.config)
    folder = base_folder(manifest.base, run_dir)
    start = StageStart(manifest.stages[0].tasks, settings.seed, base_sha256(folder))
    adapted = attach(load_base(folder, Placement()), family_of(folder).projector, settings, None, start)
    return sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
