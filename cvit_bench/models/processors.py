"""What turns words and pictures into a model's input, for pictures alone.

Half of the families' processors also read videos, which needs torchvision. Nothing here shows a video, so
that part is left out: these families work without torchvision. Pictures are prepared by Pillow wherever they
can be, so that answers do not depend on whether torchvision happens to be installed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.folders import PROCESSOR_FILES, has_processor
from cvit_bench.records.load import load_object

_VIDEO = "video_processor"


def load_processor(
    folder: Path, chat_template: str | None = None, other: Path | None = None, trusted: bool = False
) -> Any:
    """Return the processor of a base folder, ready to pad prompts on the left.

    `chat_template` is used where the folder brings none. A folder of weights alone, as trainers save them,
    takes the processor of the `other` one. A `trusted` one may bring code of its own. Whatever transformers
    raises on a damaged folder passes through.
    """
    from transformers import AutoImageProcessor, AutoProcessor

    if other is not None and not has_processor(folder):
        folder = other

    if trusted:
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True, local_files_only=True)
    else:
        processor = without_videos(_kind(folder)).from_pretrained(folder, local_files_only=True)
        processor.image_processor = AutoImageProcessor.from_pretrained(
            folder, backend="pil", local_files_only=True
        )
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    processor.chat_template = processor.chat_template or tokenizer.chat_template or chat_template
    if processor.chat_template is None:
        raise CvitBenchError(
            f"{folder}: no chat_template.jinja, and none in tokenizer_config.json: put the template there "
            "that the model was instructed with"
        )
    return processor


def _kind(folder: Path) -> Any:
    """Return the class of processors that a folder names, else the one of its model type."""
    from transformers import AutoConfig
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING, processor_class_from_name

    named = [_named_in(folder / name) for name in PROCESSOR_FILES if (folder / name).is_file()]
    found = next((kind for name in named if name and (kind := processor_class_from_name(name))), None)
    return found or PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(folder, local_files_only=True))]


def _named_in(path: Path) -> str | None:
    said = load_object(path).get("processor_class")
    return said if isinstance(said, str) else None


@lru_cache(maxsize=64)
def without_videos(kind: Any) -> Any:
    """Return a class of processors that is `kind` without the part that reads videos."""
    if _VIDEO not in kind.get_attributes():
        return kind

    class PicturesOnly(kind):  # type: ignore[misc]
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in kind.get_attributes() if name != _VIDEO]

        @classmethod
        def _get_arguments_from_pretrained(cls, *args: Any, **kwargs: Any) -> list[Any]:
            """Leave the place of the part empty: it is the last one of every family."""
            return [*super()._get_arguments_from_pretrained(*args, **kwargs), None]

    PicturesOnly.__name__ = kind.__name__
    return PicturesOnly
