"""Which branches are frozen after a task, from how often each was used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import torch

FreezeStat = Literal["count", "mass"]
FreezeScope = Literal["linear", "layer", "global"]

Usage = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def branches_to_freeze(
    usage: Mapping[str, Usage], k: int, stat: FreezeStat, scope: FreezeScope, new_only: bool
) -> dict[str, list[int]]:
    """Return, for each linear layer, the k branches that were used most.

    `usage` has, by layer name, selection counts, gate mass and what is frozen already, each [N]. Ties of one
    statistic are broken by the other, then by the lower number. `scope` sums usage over the linear layer
    alone, over its decoder layer, or over the model; `new_only` passes over branches frozen already.
    """
    groups: dict[str, list[str]] = {}
    for name in usage:
        groups.setdefault(_group(name, scope), []).append(name)
    wanted: dict[str, list[int]] = {}
    for names in groups.values():
        counts = torch.stack([usage[name][0] for name in names]).sum(0)
        mass = torch.stack([usage[name][1] for name in names]).sum(0)
        order = (counts, mass) if stat == "count" else (mass, counts)
        ranked = sorted(range(len(order[0])), key=lambda n: (-float(order[0][n]), -float(order[1][n]), n))
        for name in names:
            free = [n for n in ranked if not (new_only and bool(usage[name][2][n]))]
            wanted[name] = [n for n in free[:k] if float(order[0][n]) > 0]
    return wanted


def _group(name: str, scope: FreezeScope) -> str:
    if scope == "linear":
        return name
    if scope == "global":
        return ""
    found = re.match(r"(.*\.\d+)\.", name)
    return found.group(1) if found else name
