"""A base that does not fit on one device: cut over the processes block by block, gathered when it computes.

FSDP2 (`fully_shard`) is put on before any adapter, so it knows the frozen base alone: adapters stay whole in
every process and learn as they do without it. Vision features are not kept in memory then: the tower computes
inside the model's own pass, where its weights are gathered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import LoadedBase, load_base
from cvit_bench.train.processes import Processes


def load_sharded(folder: Path, placement: Placement, processes: Processes) -> LoadedBase:
    """Load a base of which every process holds one part; raise where there is but one process."""
    if processes.count == 1:
        raise CvitBenchError("--shard: needs several processes (torchrun --nproc-per-node N …)")

    def place(model: Any) -> Any:
        mesh = init_device_mesh(torch.device(placement.device).type, (processes.count,))
        for block in _blocks(model):
            fully_shard(block, mesh=mesh)
        return fully_shard(model, mesh=mesh)

    return load_base(folder, placement, place)


def _blocks(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the modules that transformers says belong on one device."""
    names: set[str] = set()
    for module in model.modules():
        names |= set(getattr(module, "_no_split_modules", None) or ())
    return [module for module in model.modules() if type(module).__name__ in names]
