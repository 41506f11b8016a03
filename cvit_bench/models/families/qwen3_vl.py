"""Qwen3-VL: as Qwen2.5-VL, with deeper features merged in apart; those mergers stay as they are."""

from cvit_bench.models.family import Family

FAMILY = Family("qwen3_vl", projector="model.visual.merger")
