"""What a frozen vision tower says about a picture, computed once and kept in memory.

A tower that nothing tunes gives the same features at every epoch and stage. They are computed in chunks of
one fixed size, so that the features of a picture never depend on the pictures that came along with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from cvit_bench.errors import CvitBenchError

MEMORY_BYTES = 4 << 30
"""How much is kept at most; pictures beyond it are computed anew each time."""

_ACCELERATOR_CHUNK = 16


class Features:
    """Hidden states of pictures [tokens, d], one for each layer that is read, by content hash."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self.kept: dict[str, list[torch.Tensor]] = {}
        self._left = limit

    def keep(self, picture: str, features: list[torch.Tensor]) -> None:
        """Keep a picture's features if there is room."""
        size = sum(part.nbytes for part in features)
        if size <= self._left:
            self.kept[picture] = features
            self._left -= size


class VisionMemory:
    """Stands in for the forward pass of a vision tower, pixels [n, 3, h, w] to hidden states.

    What `features` tells about pictures is announced, which gives what to hand to the model in place of their
    pixels.
    Given true pixels, the tower answers as always.
    """

    def __init__(self, model: Any, tower: str, features: Features | None = None) -> None:
        module = model.get_submodule(tower)
        chosen = model.config.vision_feature_layer
        self._layers = (chosen,) if isinstance(chosen, int) else tuple(chosen)
        self._compute = module.forward
        self._features = features or Features()
        self._expected: list[list[torch.Tensor]] = []
        module.forward = self._recall

    def __contains__(self, picture: str) -> bool:
        return picture in self._features.kept

    def features(
        self, pictures: Sequence[str], pixels: Mapping[str, torch.Tensor]
    ) -> dict[str, list[torch.Tensor]]:
        """Return the features of these pictures, kept ones and new ones; what has room is kept."""
        kept = self._features.kept
        new = [name for name in dict.fromkeys(pictures) if name not in kept]
        made = dict(zip(new, self._look([pixels[name] for name in new]), strict=True))
        found = {name: kept.get(name) or made[name] for name in pictures}
        for name, features in made.items():
            self._features.keep(name, features)
        return found

    def announce(self, features: list[list[torch.Tensor]]) -> torch.Tensor:
        """Have these features ready, in order; returns what stands for them as `pixel_values`, [n, 1]."""
        self._expected = features
        return torch.zeros(len(features), 1)

    @torch.inference_mode(False)
    @torch.no_grad()
    def _look(self, pixels: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
        """Return the features of each picture; usable in training too, also when asked for in inference."""
        found: list[list[torch.Tensor]] = []
        for start in range(0, len(pixels), size := self._chunk(pixels)):
            chunk = list(pixels[start : start + size])
            filled = torch.stack(chunk + chunk[:1] * (size - len(chunk)))
            with torch.autocast(filled.device.type, enabled=False):
                states = self._compute(filled, output_hidden_states=True, return_dict=True).hidden_states
            for at in range(len(chunk)):
                found.append([states[layer][at].clone() for layer in self._layers])
        return found

    @staticmethod
    def _chunk(pixels: Sequence[torch.Tensor]) -> int:
        return 1 if not pixels or pixels[0].device.type == "cpu" else _ACCELERATOR_CHUNK

    def _recall(self, pixel_values: torch.Tensor, **kwargs: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        if pixel_values.ndim != 2:
            return self._compute(pixel_values, **kwargs)
        if len(pixel_values) != len(self._expected):
            raise CvitBenchError(f"{len(pixel_values)} pictures, but {len(self._expected)} were announced")
        layers = {
            layer: torch.stack([features[at] for features in self._expected])
            for at, layer in enumerate(self._layers)
        }
        return BaseModelOutputWithPooling(hidden_states=layers)
