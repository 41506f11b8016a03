"""InternVL 2.5 to 3.5 in transformers' own format: tiles, patches shuffled together, MLP projector."""

from typing import Any

from cvit_bench.models.family import Family


def _width(config: Any) -> int:
    """Return the width behind the shuffle, which puts 1 / ratio² neighbours into one."""
    return round(config.vision_config.hidden_size / config.downsample_ratio**2)


FAMILY = Family("internvl", projector="model.multi_modal_projector", image_width=_width)
