"""How long and how fast a stage trains."""

from typing import Literal

from pydantic import Field

from cvit_bench.records.base import Record


class TrainingBudget(Record):
    """The budget of one stage, the same for every method on a suite; `--set training.KEY=…` overrides."""

    steps: int | None = Field(default=None, ge=1, description="optimizer steps; wins over epochs")
    epochs: float = Field(default=1.0, gt=0)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup_share: float = Field(default=0.03, ge=0, le=1)
    warmup: Literal["linear", "log"] = "linear"
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = Field(default=1.0, gt=0, description="largest norm of the gradient")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    micro_batch: int | None = Field(
        default=None, ge=1, description="samples of a process and backward pass; null: all of its share"
    )
    group_by_length: bool = Field(default=False, description="batches of samples of like length")
    checkpointing: bool = Field(default=False, description="recompute activations in the backward pass")
    save_steps: int | None = Field(default=None, ge=1, description="steps between saves inside a stage")
    projector_learning_rate: float | None = Field(
        default=None, gt=0, description="of the projector's weights; null: as all others"
    )

    def num_steps(self, num_samples: int) -> int:
        """Return the optimizer steps of a stage with so many samples."""
        if self.steps is not None:
            return self.steps
        return max(1, round(self.epochs * num_samples / self.batch_size))
