"""What the harness asks of a model: put a checkpoint in place, answer a batch of prompts, rank answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from cvit_bench import plugins
from cvit_bench.models.folders import detect_family
from cvit_bench.records.sample import Prompt


@dataclass(frozen=True)
class Checkpoint:
    """One stage's weights: the untouched base (no folder), an adapter, or a full checkpoint.

    `sha256` is the content hash that an adapter had when the run was opened, None where nobody looked.
    """

    name: str
    folder: Path | None
    kind: Literal["base", "adapter", "full"]
    sha256: str | None = None


@dataclass(frozen=True)
class Placement:
    """Where and how a model computes.

    Attributes:
        remote_code: whether code that lies beside its weights may run.
        one_by_one: whether prompts are answered one at a time through transformers, nothing shared or merged.
    """

    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    remote_code: bool = False
    one_by_one: bool = False

    @property
    def arithmetic(self) -> str:
        """What of it answers and rankings are kept under."""
        return f"{self.dtype}, one by one" if self.one_by_one else self.dtype


@dataclass(frozen=True)
class Likelihoods:
    """How likely given answers are: Σ ln p over tokens and the end, and how many tokens that is, of each."""

    plain: tuple[float, ...]
    tokens: tuple[int, ...]


class Model(Protocol):
    """A loaded base that stage checkpoints are swapped into."""

    def use(self, checkpoint: Checkpoint) -> None:
        """Put a stage's weights in place; raise CvitBenchError when they do not fit the base."""

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Take note of prompts that are asked soon, whose inputs may be made ready meanwhile.

        What is wrong with one of them is said when it is asked, not here.
        """

    def waited(self) -> float:
        """Return for how many seconds it has waited for inputs so far."""

    def generate(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer prompts greedily, in order; the answer of a prompt does not depend on its neighbours."""

    def generate_plainly(self, prompts: Sequence[Prompt]) -> list[str]:
        """Answer them one after the other in the plainest way there is, to be compared with."""

    def rank(self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]) -> list[Likelihoods]:
        """Say how likely each of the given answers to each prompt is, in order; neighbours do not matter."""

    def answer_and_rank(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]]
    ) -> list[tuple[str, Likelihoods]]:
        """Do what `generate` and `rank` do, from one reading; where nothing is given nothing is ranked."""


class OutOfMemoryError(RuntimeError):
    """The batch did not fit into the device's memory; a smaller one may."""


def open_replay(folder: Path, placement: Placement) -> Model:
    """Open a base through transformers' Auto classes."""
    from cvit_bench.models.replay import ReplayModel

    return ReplayModel(folder, placement)


def hidden_size(config: Any) -> int:
    """Return the width of what a vision tower says about a piece of a picture."""
    layers = getattr(config, "vision_feature_layer", None)
    return int(config.vision_config.hidden_size) * (len(layers) if isinstance(layers, list | tuple) else 1)


@dataclass(frozen=True)
class Family:
    """How a kind of model is opened, and where its parts are; a file of `models/families` has one.

    Attributes:
        load: opens a base folder.
        needs_torch: whether answers depend on torch and its versions.
        ranks: whether its models can `rank`; K of closed answer sets is lenient where they cannot.
        projector: path of the module between vision tower and language model, "" if there is none.
        tower: path of a vision tower that no adapter touches and whose features can be kept picture by
            picture (`vision_memory.py`), "" if there is none.
        image_width: tells the width of the features that enter the projector, from the configuration.
        chat_template: how a prompt is written where the base folder does not say.
        answer_kind: `token_type_ids` of an answer that is learned, where the model takes them.
        causal: whether a position of the prompt sees those before it only, so that prompts may share
            their beginning.
    """

    name: str
    load: Callable[[Path, Placement], Model] = open_replay
    needs_torch: bool = True
    ranks: bool = True
    projector: str = ""
    tower: str = ""
    image_width: Callable[[Any], int] = hidden_size
    chat_template: str | None = None
    answer_kind: int = 0
    causal: bool = True


def family_named(model_type: str) -> Family:
    """Return a family by the name that a configuration carries."""
    return cast(Family, plugins.load(plugins.FAMILIES, model_type).FAMILY)


def family_of(folder: Path) -> Family:
    """Return the family that opens a base folder."""
    return family_named(detect_family(folder))
