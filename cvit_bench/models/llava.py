"""LLaVA-1.5-like models: CLIP tower, MLP projector, decoder-only language model."""

from pathlib import Path

from cvit_bench.models.family import Family, Model, Placement


def _load(folder: Path, placement: Placement) -> Model:
    from cvit_bench.models.replay import ReplayModel

    return ReplayModel(folder, placement)


FAMILY = Family(
    "llava",
    load=_load,
    ranks=True,
    projector="model.multi_modal_projector",
    tower="model.vision_tower",
)
