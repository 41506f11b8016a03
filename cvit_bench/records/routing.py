"""Which way samples went through a routed adapter: `routing.json` and a table beside each checkpoint."""

from cvit_bench.records.base import FileRecord, Name, Record

ROUTING = "routing.json"
ROUTES = "routes.parquet"
"""One row a task, layer, kind of gate and expert: the mean share of the gate that the expert had."""


class TaskRouting(Record):
    """What a task's samples did.

    Attributes:
        samples: how many train samples were watched.
        alpha: mean weight of the visual group in the fusion, per layer averaged; None without a fusion.
        selected: how many samples the selector took for which task; None without a selector.
    """

    samples: int
    alpha: float | None = None
    selected: dict[Name, int] | None = None

    def share_right(self, task: str) -> float | None:
        """Return the share of samples that the selector took for their own task."""
        if self.selected is None:
            return None
        return self.selected.get(task, 0) / max(1, sum(self.selected.values()))


class BranchState(Record):
    """What a stage left of the branches, over all layers.

    Attributes:
        frozen: share of all branches that are frozen after the stage.
        frozen_only: layers in which the stage's own tasks used only branches frozen before.
    """

    num_layers: int
    num_branches: int
    frozen: float
    frozen_only: int


class StageRouting(FileRecord):
    """What `routing.json` holds."""

    tasks: dict[Name, TaskRouting]
    branches: BranchState | None = None
