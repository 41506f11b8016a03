"""SmolVLM and SmolVLM2: Idefics3 on small language models; the processor needs the package num2words."""

from cvit_bench.models.family import Family

FAMILY = Family("smolvlm", projector="model.connector")
