"""What replay_gpu.py asks: a LLaVA with random weights, LoRA adapters of it, pictures and prompts."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from cvit_bench.models.family import Checkpoint
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import PACKAGE

SHAPES = ("7b", "tiny")
CHAT = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{{ '<image>\n' if part['type'] == 'image' else part['text'] }}{% endfor %} ASSISTANT:{% endfor %}"
)
QUESTION = "What is to be seen in picture number {number}, and which of its parts is the largest one?"
WORDINGS = (
    "Answer the question using a single word or phrase.",
    "Reply with one word only.",
    "Say it as shortly as you can.",
    "A word or two will do.",
    "Give the name alone, nothing else.",
)
LAYERS = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"


def config_of(shapes: str) -> Any:
    """Return the configuration of LLaVA-1.5-7B, or of the same thing very small."""
    from transformers import AutoConfig, CLIPVisionConfig, LlamaConfig, LlavaConfig

    if shapes == "7b":
        return AutoConfig.from_pretrained(PACKAGE / "train" / "recipes" / "llava-1.5-7b.json")
    size: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    return LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=16, patch_size=8, num_attention_heads=2, **size),
        text_config=LlamaConfig(vocab_size=320, num_attention_heads=4, num_key_value_heads=4, **size),
        image_token_index=4,
        image_seq_length=4,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )


def processor_of(config: Any) -> Any:
    """Return a processor whose tokenizer reads bytes and knows a word for every token of the model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import CLIPImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast

    size, place = config.text_config.vocab_size, config.image_token_index
    words = ["<unk>", "<s>", "</s>", "<pad>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words += [f"Ġ{at}" for at in range(size - len(words))]
    words = [*words[:place], "<image>", *words[place:]][:size]
    raw = Tokenizer(models.BPE({word: at for at, word in enumerate(words)}, []))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    raw.add_special_tokens(["<unk>", "<s>", "</s>", "<pad>", "<image>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="<pad>", padding_side="left"
    )
    side = config.vision_config.image_size
    return LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side}),
        tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )


def write_base(folder: Path, shapes: str, device: str, dtype: torch.dtype, stages: int) -> list[Checkpoint]:
    """Write a base and LoRA adapters, all random; return what a replay puts in place, the base first."""
    import peft
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(0)
    config = config_of(shapes)
    config.text_config.eos_token_id, config.text_config.pad_token_id = 2, 3
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    base = folder / "base"
    model.save_pretrained(base)
    processor_of(config).save_pretrained(base)
    found = [Checkpoint("00-base", None, "base")]
    adapted: Any = None
    for at in range(1, stages + 1):
        name = f"{at:02d}-random"
        lora = peft.LoraConfig(r=64 if shapes == "7b" else 4, target_modules=LAYERS, init_lora_weights=False)
        if adapted is None:
            adapted = peft.get_peft_model(model, lora, adapter_name=name)
        else:
            adapted.add_adapter(name, lora)
        adapted.save_pretrained(folder / "adapters", selected_adapters=[name])
        found.append(Checkpoint(name, folder / "adapters" / name, "adapter"))
    return found


def prompts_of(num: int, wordings: int, budget: int, side: int) -> list[Prompt]:
    """Return questions about random pictures, all wordings of one side by side."""
    draw = random.Random(0)
    found = []
    for number in range(num):
        picture = Picture(f"{number}.jpg", _noise(draw, side))
        asked = QUESTION.format(number=number)
        found += [
            Prompt(f"s{number}", "random", f"v{at}", f"{asked}\n{words}", picture, budget)
            for at, words in enumerate(WORDINGS[:wordings])
        ]
    return found


def _noise(draw: random.Random, side: int) -> bytes:
    """Return a JPEG as large as photographs usually are, for the side that the model sees."""
    small = Image.frombytes("RGB", (16, 12), draw.randbytes(16 * 12 * 3))
    out = io.BytesIO()
    small.resize((side * 2, side * 3 // 2)).save(out, "JPEG")
    return out.getvalue()


def shortened(prompts: Sequence[Prompt], budget: int) -> list[Prompt]:
    """Return prompts that ask for so many tokens."""
    return [replace(prompt, max_new_tokens=budget) for prompt in prompts]
