"""Qwen2.5-VL: as Qwen2-VL, with windows of attention in the tower."""

from cvit_bench.models.family import Family

FAMILY = Family("qwen2_5_vl", projector="model.visual.merger")
