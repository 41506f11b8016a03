"""Idefics3: pictures in tiles, SigLIP tower, a connector that folds patches together, Llama 3."""

from cvit_bench.models.family import Family

FAMILY = Family("idefics3", projector="model.connector")
