"""What a base would read and how much it would compute, told from its folder: no weight is loaded, no torch.

Tokens are counted with the base's own tokenizer and chat template. A picture counts as many tokens as the
configuration says; where that depends on the picture (`picture_tokens` is None), it counts none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.chat import chat_text, has_start
from cvit_bench.models.family import Family, family_of
from cvit_bench.models.folders import adapter_config
from cvit_bench.records.load import load_object
from cvit_bench.records.sample import Prompt
from cvit_bench.resources import PACKAGE
from cvit_bench.text import first_line

TOKENWISE = ("LORA", "IA3", "LOHA", "LOKR", "OFT", "BOFT", "VERA", "FOURIERFT", "HRA", "VBLORA", "RANDLORA")
"""PEFT methods whose layers treat every token alike."""

_TOWER = ("vision", "visual")
_PICTURE_TOKENS = ("image_seq_length", "mm_tokens_per_image")
_IMAGE_TOKENS = ("image_token_index", "image_token_id")


@dataclass(frozen=True)
class Unopened:
    """A base folder that is not opened.

    Attributes:
        language: weights of all but the vision tower. tower: those of the vision tower.
        picture_tokens: positions of a picture; None where they depend on the picture.
    """

    tokenizer: Any
    chat_template: str
    family: Family
    image_token: int | None
    picture_tokens: int | None
    language: int
    tower: int

    def ids(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Return the token ids of prompts, those of pictures as often as they stand for pieces."""
        texts = [chat_text(self, prompt) for prompt in prompts]
        rows = self.tokenizer(texts, add_special_tokens=not has_start(self, texts))["input_ids"]
        return [list(self._with_pieces(row)) for row in rows]

    def _with_pieces(self, row: Sequence[int]) -> Iterator[int]:
        for token in row:
            yield from [token] * (self.picture_tokens or 1 if token == self.image_token else 1)


def unopened(folder: Path) -> Unopened | None:
    """Look at a base folder; None where it holds no tokenizer (a scripted one)."""
    if not (folder / "tokenizer.json").is_file():
        return None
    from transformers import PreTrainedTokenizerFast

    family = family_of(folder)
    config = load_object(folder / "config.json")
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CvitBenchError(f"{folder}: no tokenizer can be made of it ({first_line(error)})") from error
    template = tokenizer.chat_template or family.chat_template
    if template is None:
        raise CvitBenchError(f"{folder}: no chat_template.jinja, and none in tokenizer_config.json")
    sizes = _sizes(folder)
    return Unopened(
        tokenizer,
        template,
        family,
        _first(folder, config, _IMAGE_TOKENS),
        _first(folder, config, _PICTURE_TOKENS),
        language=sum(size for name, size in sizes.items() if not _is_tower(name)),
        tower=sum(size for name, size in sizes.items() if _is_tower(name)),
    )


def _first(folder: Path, config: dict[str, Any], names: Sequence[str]) -> int | None:
    name = next((name for name in names if config.get(name) is not None), None)
    if name is not None and not isinstance(config[name], int):
        raise CvitBenchError(
            f"{folder / 'config.json'}: {name}: must be a whole number (got {config[name]!r})"
        )
    return config[name] if name is not None else None


def _sizes(folder: Path) -> dict[str, int]:
    """Return how many weights each tensor has, as the heads of the files say."""
    from math import prod

    from safetensors import SafetensorError, safe_open

    found: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as file:
                found |= {name: prod(file.get_slice(name).get_shape()) for name in list(file.keys())}
        except (OSError, SafetensorError) as error:
            raise CvitBenchError(f"{path}: cannot be read ({first_line(error)})") from error
    return found


def _is_tower(name: str) -> bool:
    return any(part in name for part in _TOWER)


def reads_once(folder: Path | None) -> bool:
    """Tell whether beginnings may be read once with the adapter of a folder; None: with no adapter."""
    if folder is None:
        return True
    try:
        config = adapter_config(folder)
    except CvitBenchError:
        return False
    if method := config.get("method"):
        known = method in plugins.names(plugins.ADAPTERS)
        return known and _is_tokenwise(PACKAGE / plugins.ADAPTERS.folder / f"{method}.py")
    special = config.get("alora_invocation_tokens") or config.get("arrow_config")
    return str(config.get("peft_type")) in TOKENWISE and not special


def _is_tokenwise(source: Path) -> bool:
    """Tell whether a routed method's file says `tokenwise = True`; it is not imported."""
    if not source.is_file():
        return False
    return any(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
        and "tokenwise" in _names(node)
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
    )


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]
