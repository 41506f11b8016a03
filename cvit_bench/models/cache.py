"""Keys and values of what was read, with room for the answers: nothing is copied when a token is added.

Legend: B rows, H heads, L positions, D width of a head.
"""

from __future__ import annotations

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
