"""LLaVA-OneVision: pictures in tiles of any resolution, SigLIP tower, MLP projector, Qwen2."""

from cvit_bench.models.family import Family

FAMILY = Family("llava_onevision", projector="model.multi_modal_projector")
