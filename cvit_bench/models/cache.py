"""Keys and values of what was read, with room for the answers: nothing is copied when a token is added.

Several continuations of the same prompts start from one cache (`continued`); none of them changes it.

Legend: B rows, H heads, L positions, D width of a head.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values [B, H, L, D]: the first L of the positions that there is room for."""

    keys: Any
    values: Any

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room, self._length = room, 0
        self._all_keys = self._all_values = torch.empty(0)

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make room, in the type and on the device of the first keys."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self._all_keys = self._spacious(key_states, len(key_states))
        self._all_values = self._spacious(value_states, len(value_states))
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write keys and values [B, H, l, D] of further positions; return all so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        first, self._length = self._length, self._length + key_states.shape[2]
        if self._length > self._room:
            self._widen(first)
        self._all_keys[:, :, first : self._length] = key_states
        self._all_values[:, :, first : self._length] = value_states
        self._show()
        return self.keys, self.values

    def choose(self, rows: torch.Tensor, more: int) -> None:
        """Go on with these rows, long, in this order and as often as they are named; make more room."""
        self._room += more
        self._all_keys, self._all_values = (
            self._moved(self._all_keys, rows),
            self._moved(self._all_values, rows),
        )
        self._show()

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Go on with these rows."""
        self.choose(indices, 0)

    def _widen(self, length: int) -> None:
        """Move the first positions, so many, to where there is room for all."""
        self._room = self._length
        for name in ("_all_keys", "_all_values"):
            states = getattr(self, name)
            wide = self._spacious(states, len(states))
            wide[:, :, :length] = states[:, :, :length]
            setattr(self, name, wide)

    def _moved(self, states: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        moved = self._spacious(states, len(rows))
        moved[:, :, : self._length] = states[:, :, : self._length].index_select(0, rows)
        return moved

    def _spacious(self, states: torch.Tensor, num_rows: int) -> torch.Tensor:
        return states.new_empty(num_rows, states.shape[1], self._room, states.shape[3])

    def _show(self) -> None:
        self.keys = self._all_keys[:, :, : self._length]
        self.values = self._all_values[:, :, : self._length]


class RoomyCache(Cache):  # type: ignore[misc]
    """All layers' keys and values."""

    def __init__(self, num_layers: int, room: int) -> None:
        super().__init__(layers=[RoomyLayer(room) for _ in range(num_layers)])

    def choose(self, rows: torch.Tensor, more: int = 0) -> None:
        """Go on with these rows, long, in this order and as often as they are named; make more room."""
        for layer in self.layers:
            layer.choose(rows, more)


def continued(cache: Any) -> Any:
    """Return a cache that goes on where another one is, which stays as it was; what was read is not copied.

    transformers' layers put what is added beside what they had, in new tensors. Ours write it behind, where
    nobody looks who does not count these positions.
    """
    further = copy.copy(cache)
    further.layers = [copy.copy(layer) for layer in cache.layers]
    return further
