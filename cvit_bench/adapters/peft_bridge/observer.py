"""Tell a routing context about the passes of a model, by hooks on the model itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from cvit_bench.adapters.core import pooled
from cvit_bench.adapters.routing import IGNORED, Routing
from cvit_bench.adapters.selector import TaskSelector


class Observer:
    """Sees each pass of a model before its layers do, and its generations before their first pass.

    `selector` returns the task selector of the moment, None where there is none: adapters take turns.
    """

    def __init__(self, model: Any, routing: Routing, selector: Callable[[], TaskSelector | None]) -> None:
        self._model = model
        self._routing, self._selector = routing, selector
        self._image_token = image_token(model)
        self._signature = inspect.signature(model.forward)
        self._generate: Any = getattr(model, "generate", None)
        if self._generate is not None:
            self._model.generate = self._observe_generation
        self._hooks = [
            model.register_forward_pre_hook(self._observe, with_kwargs=True),
            model.register_forward_hook(self._learn_keys),
        ]
        self._sees_projector = False

    def watch_projector(self, projector: nn.Module) -> None:
        """Look at what goes into the projector from now on; a second call changes nothing."""
        if not self._sees_projector:
            self._hooks.append(projector.register_forward_pre_hook(self._see))
        self._sees_projector = True

    def stop(self) -> None:
        """Leave the model as it was."""
        for hook in self._hooks:
            hook.remove()
        self._model.__dict__.pop("generate", None)

    def _observe_generation(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Generate, prompts observed first: vision features may be made before any forward pass."""
        ids = inputs if inputs is not None else kwargs.get("input_ids")
        self._routing.selector, self._routing.tiles = self._selector(), num_tiles(self._model, kwargs)
        self._routing.observe_ahead(ids, kwargs.get("attention_mask"), self._image_token)
        try:
            return self._generate(inputs, *args, **kwargs)
        finally:
            self._routing.generating = False

    def _observe(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = {**self._signature.bind_partial(*args).arguments, **kwargs}
        cache = given.get("past_key_values")
        decoding = cache is not None and cache.get_seq_length() > 0
        ids, mask, labels = (given.get(name) for name in ("input_ids", "attention_mask", "labels"))
        self._routing.selector, self._routing.tiles = self._selector(), num_tiles(model, given)
        self._routing.observe(ids, mask, _over_all(labels, ids), self._image_token, decoding)

    def _see(self, projector: nn.Module, args: tuple[Any, ...]) -> None:
        """Keep the mean vision feature of each sample; the projector has not changed it yet."""
        if self._selector() is not None:
            self._routing.image_embeddings = pooled(args[0].detach(), self._routing, "vision")

    def _learn_keys(self, model: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """In a training pass, take the samples into the keys of their tasks."""
        selector = self._selector()
        if selector is not None and model.training and torch.is_grad_enabled():
            selector.learn(self._routing)


def _over_all(labels: torch.Tensor | None, ids: torch.Tensor | None) -> torch.Tensor | None:
    """Return labels [B, L] of labels that were cut to the last positions: before them no answer begins."""
    if labels is None or ids is None or labels.shape == ids.shape:
        return labels
    return nn.functional.pad(labels, (ids.shape[1] - labels.shape[1], 0), value=IGNORED)


def num_tiles(model: Any, given: Mapping[str, Any]) -> torch.Tensor | None:
    """Return how many tiles the pictures of a pass have, long [pictures]; None where a base has no grid.

    LLaVA-NeXT and LLaVA-OneVision lay a picture out on the best of some grids and drop the features of its
    margins behind the projector, so that positions do not tell how many rows went in.
    """
    grids = getattr(getattr(model, "config", None), "image_grid_pinpoints", None)
    sizes = given.get("image_sizes")
    if grids is None or sizes is None:
        return None
    from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

    side = model.config.vision_config.image_size
    return torch.tensor([image_size_to_num_patches(size, grids, side) for size in sizes.tolist()])


def image_token(model: Any) -> int | None:
    """Return the token that stands for a piece of a picture, None where the base has none."""
    config = getattr(model, "config", None)
    for name in ("image_token_id", "image_token_index"):
        if getattr(config, name, None) is not None:
            return int(getattr(config, name))
    return None
