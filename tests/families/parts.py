"""What the tiny models share: a tokenizer, a chat template, sizes of a language model and of a tower."""

from __future__ import annotations

from typing import Any

HIDDEN = 32
CHAT = (
    "{%- for message in messages -%}{{ START }}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}{{ PICTURE }}{%- else -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endfor -%}{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)
"""A chat template of the usual form; START and PICTURE are a family's own words."""


def tokenizer(*special: str, start: str | None = "<s>", **named: str) -> Any:
    """Return a byte-level tokenizer without merges: any text can be encoded, nothing has to be learned."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<|assistant|>", *([start] if start else []), *special, *named.values()]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({word: at for at, word in enumerate(words + letters)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(words)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        eos_token="</s>",
        bos_token=start,
        **({"extra_special_tokens": named} if named else {}),
        model_max_length=512,
    )


def chat(picture: str, start: str = "") -> str:
    """Return a chat template that writes a picture as `picture`."""
    return CHAT.replace("{{ START }}", start).replace("{{ PICTURE }}", picture)


def words(size: int, **more: Any) -> dict[str, Any]:
    """Return the sizes of a small Llama-like language model of so many tokens."""
    return {
        "vocab_size": size,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 1,
        **more,
    }


def eyes(size: int = 16, patch: int = 8, **more: Any) -> dict[str, Any]:
    """Return the sizes of a small vision tower."""
    return {
        "image_size": size,
        "patch_size": patch,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        **more,
    }


def pictures_only(kind: Any) -> Any:
    from cvit_bench.models.processors import without_videos

    return without_videos(kind)
