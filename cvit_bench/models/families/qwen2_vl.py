"""Qwen2-VL: pictures at their own resolution; the merger at the end of the tower is the projector."""

from typing import Any

from cvit_bench.models.family import Family


def _width(config: Any) -> int:
    return int(config.vision_config.embed_dim)


FAMILY = Family("qwen2_vl", projector="model.visual.merger", image_width=_width)
