"""Gemma 3: SigLIP tower, pooled features; its projector has no linear layer that could be adapted."""

from cvit_bench.models.family import Family

FAMILY = Family("gemma3", projector="model.multi_modal_projector", causal=False)
