"""LLaVA-NeXT: pictures in tiles of any resolution, CLIP tower, MLP projector."""

from cvit_bench.models.family import Family

FAMILY = Family("llava_next", projector="model.multi_modal_projector")
