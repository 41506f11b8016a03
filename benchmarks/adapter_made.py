"""What a forward pass of a routed layer makes that could have been prepared."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.adapter_cases import Setting, Shape, build, tell

LIKE_ANOTHER = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
READS_BACK = ("_local_scalar_dense", "nonzero")


class Made(TorchDispatchMode):
    """Notes which operations make tensors of nothing, move them, or look at them from the host.

    Attributes:
        counts: such operations by kind. elements: size of what is computed from weights alone.
    """

    def __init__(self, weights: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.kept = list(weights)
        self.fixed = {weight.untyped_storage().data_ptr() for weight in weights}
        self.counts: Counter[str] = Counter()
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given, out = _tensors((args, kwargs or {})), _tensors(result)
        name = func._schema.name.partition("::")[2]
        if name in READS_BACK:
            self.counts["read back"] += 1
        elif not given or name == "lift_fresh":
            self.counts["built"] += 1
        elif {tensor.device for tensor in out} - {tensor.device for tensor in given}:
            self.counts["moved"] += 1
        elif name in LIKE_ANOTHER:
            self.counts["filled"] += 1
        elif all(_storage(tensor) in self.fixed for tensor in given):
            self._note_fixed(out)
        return result

    def _note_fixed(self, out: list[torch.Tensor]) -> None:
        new = [tensor for tensor in out if _storage(tensor) not in self.fixed]
        self.kept += new
        self.fixed |= {_storage(tensor) for tensor in new}
        self.counts["of weights alone"] += len(new)
        self.elements += sum(tensor.numel() for tensor in new)


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def made_by(method: str, shape: Shape, setting: Setting, stream: str) -> tuple[Made, Made]:
    """Return what the first layer of a pass makes in evaluation, and what each further layer makes.

    The layer is loaded, so that nothing of it learns, and has seen a batch before.
    """
    case = build(method, shape, setting, stream)
    case.let_learn(False)
    watches = (Made([]), Made([]))
    with torch.no_grad():
        with Made([*case.fused.parameters(), *case.fused.buffers()]) as before:
            case.forward(case.fused)
        tell(case, shape, shape.positions)
        for watch in watches:
            watch.fixed |= before.fixed
            with watch:
                case.forward(case.fused)
    return watches
