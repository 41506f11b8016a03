"""Which way samples went, for the report: selector, fusion, branches, and which tasks share experts.

Read from what training left beside each checkpoint; a run without routed adapters has none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import load_json
from cvit_bench.records.manifest import MANIFEST, Manifest, load_manifest
from cvit_bench.records.routing import ROUTES, ROUTING, BranchState, StageRouting
from cvit_bench.report.heatmap import STEPS
from cvit_bench.text import first_line

GATES = {
    "vu": "visual understanding (VU)",
    "if": "instruction following (IF)",
    "gates": "all experts",
}
_COLUMNS = {"task": str, "layer": str, "gate": str, "expert": int, "share": float}


@dataclass(frozen=True)
class RoutedTask:
    """What the samples of one task did at one stage; percent, None where the method has no such thing."""

    name: str
    right: float | None
    taken_for: str
    alpha: float | None


@dataclass(frozen=True)
class RoutedStage:
    """One stage."""

    name: str
    tasks: tuple[RoutedTask, ...]
    branches: BranchState | None


@dataclass(frozen=True)
class Overlap:
    """How far each two tasks use the same experts, in percent, with the colour step of each value."""

    title: str
    tasks: tuple[str, ...]
    rows: tuple[tuple[tuple[float, int], ...], ...]


@dataclass(frozen=True)
class Routes:
    """Everything about routes that the report shows."""

    stages: tuple[RoutedStage, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def has_selector(self) -> bool:
        """Whether a selector told the tasks apart."""
        return any(task.right is not None for stage in self.stages for task in stage.tasks)

    @property
    def has_alpha(self) -> bool:
        """Whether two groups were fused."""
        return any(task.alpha is not None for stage in self.stages for task in stage.tasks)

    @property
    def has_branches(self) -> bool:
        """Whether branches were frozen."""
        return any(stage.branches is not None for stage in self.stages)


def read_routes(run_dir: Path) -> Routes | None:
    """Return what the stages of a run left about their routes, None when they left nothing."""
    if not (run_dir / MANIFEST).is_file():
        return None
    folders = _stage_folders(run_dir, load_manifest(run_dir))
    found = {name: load_json(folder / ROUTING, StageRouting) for name, folder in folders.items()}
    if not found:
        return None
    stages = tuple(routed_stage(name, routing) for name, routing in found.items())
    return Routes(stages, overlaps(_table(list(folders.values())[-1] / ROUTES)))


def _stage_folders(run_dir: Path, manifest: Manifest) -> dict[str, Path]:
    sequence = [stage for stage in manifest.stages if stage.shots is None]
    folders = {stage.name: run_dir / stage.checkpoint for stage in sequence}
    return {name: folder for name, folder in folders.items() if (folder / ROUTING).is_file()}


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=list(_COLUMNS))
    try:
        return pd.read_parquet(path)[list(_COLUMNS)].astype(_COLUMNS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CvitBenchError(f"{path}: no table of routes ({first_line(error)})") from error


def routed_stage(name: str, routing: StageRouting) -> RoutedStage:
    """Lay out one stage."""
    tasks = []
    for task, what in routing.tasks.items():
        right = what.share_right(task)
        others = {other: count for other, count in (what.selected or {}).items() if other != task}
        wrong = max(others, key=lambda other: others[other]) if others else ""
        alpha = None if what.alpha is None else 100 * what.alpha
        tasks.append(RoutedTask(task, None if right is None else 100 * right, wrong, alpha))
    return RoutedStage(name, tuple(tasks), routing.branches)


def overlaps(table: pd.DataFrame) -> tuple[Overlap, ...]:
    """Return, for each kind of gate, mean_layers Σ_experts min(share of task a, share of task b)."""
    made = []
    for gate, title in GATES.items():
        rows = table[table["gate"] == gate]
        if rows.empty:
            continue
        shares = rows.pivot_table(index="task", columns=["layer", "expert"], values="share", sort=False)
        made.append(_overlap(title, shares.fillna(0.0), rows["layer"].nunique()))
    return tuple(made)


def _overlap(title: str, shares: pd.DataFrame, num_layers: int) -> Overlap:
    values: Mapping[str, pd.Series] = {str(task): row for task, row in shares.iterrows()}

    def cell(one: str, other: str) -> tuple[float, int]:
        common = float(values[one].combine(values[other], min).sum()) / num_layers
        return 100 * common, max(0, min(STEPS, round(STEPS * common)))

    tasks = tuple(values)
    return Overlap(title, tasks, tuple(tuple(cell(one, other) for other in tasks) for one in tasks))
