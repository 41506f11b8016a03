"""What the adapter in place and the model's settings allow the runner to do."""

from __future__ import annotations

from typing import Any

from cvit_bench.adapters.peft_bridge import tuner_of
from cvit_bench.models.unopened import TOKENWISE

_NOT_GREEDY = {
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "min_new_tokens": None,
    "bad_words_ids": None,
    "sequence_bias": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "exponential_decay_length_penalty": None,
    "guidance_scale": None,
    "renormalize_logits": False,
    "remove_invalid_values": False,
    "watermarking_config": None,
    "stop_strings": None,
    "max_time": None,
}
"""Settings of a base that change its greedy answers, with the values at which they do not."""


def is_plain_greedy(generation: Any) -> bool:
    """Tell whether a base's generation settings leave the likeliest token as it is."""
    found = {name: getattr(generation, name, None) for name in _NOT_GREEDY}
    return all(value is None or value == _NOT_GREEDY[name] for name, value in found.items())


def is_tokenwise(adapted: Any) -> bool:
    """Tell whether an adapter's update at a token depends on that token alone: beginnings can be shared."""
    tuner = tuner_of(adapted)
    if tuner is not None:
        return tuner.tokenwise
    config = adapted.active_peft_config
    special = getattr(config, "alora_invocation_tokens", None) or getattr(config, "arrow_config", None)
    return config.peft_type.value in TOKENWISE and not special


def is_padding_safe(adapted: Any) -> bool:
    """Tell whether rows of several lengths may share a batch."""
    tuner = tuner_of(adapted)
    return tuner is None or tuner.padding_safe
