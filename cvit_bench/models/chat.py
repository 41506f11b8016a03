"""The conversation that a prompt becomes, as text; needs no torch."""

from collections.abc import Sequence
from typing import Any

from cvit_bench.records.sample import Prompt


def chat_text(processor: Any, prompt: Prompt) -> str:
    """Return the conversation up to where the model has to answer."""
    parts = [{"type": "image"}] if prompt.picture is not None else []
    content = [*parts, {"type": "text", "text": prompt.text}]
    text: str = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=processor.chat_template,
        add_generation_prompt=True,
        tokenize=False,
    )
    return text


def has_start(processor: Any, texts: Sequence[str]) -> bool:
    """Tell whether the chat template has written the start token itself; else the tokenizer adds it."""
    start = processor.tokenizer.bos_token
    return start is not None and texts[0].startswith(start)
