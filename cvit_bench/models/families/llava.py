"""LLaVA-1.5-like models: CLIP tower, MLP projector, decoder-only language model."""

from cvit_bench.models.family import Family

FAMILY = Family("llava", projector="model.multi_modal_projector", tower="model.vision_tower")
