"""A tiny random model of every family with the processor that feeds it, built on the spot, offline.

One function a family, under the name that its configuration carries (`model_type`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

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


def llava() -> tuple[Any, Any]:
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    says = tokenizer("<image>")
    square = {"height": 16, "width": 16}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=square),
        says,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat("<image>", "<s>"),
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**eyes()),
        text_config=LlamaConfig(**words(len(says))),
        image_token_index=processor.image_token_id,
        image_seq_length=4,
        vision_feature_layer=-2,
    )
    return LlavaForConditionalGeneration(config), processor


def llava_next() -> tuple[Any, Any]:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        LlavaNextImageProcessorPil,
        LlavaNextProcessor,
    )

    says = tokenizer("<image>")
    grid = [[16, 32], [32, 16], [32, 32]]
    square = {"height": 16, "width": 16}
    processor = LlavaNextProcessor(
        LlavaNextImageProcessorPil(size={"shortest_edge": 16}, crop_size=square, image_grid_pinpoints=grid),
        says,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=chat("<image>", "<s>"),
    )
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(**eyes()),
        text_config=LlamaConfig(**words(len(says))),
        image_token_index=processor.image_token_id,
        image_grid_pinpoints=grid,
        image_seq_length=4,
    )
    return LlavaNextForConditionalGeneration(config), processor


def llava_onevision() -> tuple[Any, Any]:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessorPil,
        LlavaOnevisionProcessor,
        Qwen2Config,
        SiglipVisionConfig,
    )

    says = tokenizer("<image>", "<video>", start=None)
    grid = [[16, 16], [16, 32], [32, 16], [32, 32]]
    processor = pictures_only(LlavaOnevisionProcessor)(
        LlavaOnevisionImageProcessorPil(size={"height": 16, "width": 16}, image_grid_pinpoints=grid),
        says,
        None,
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=chat("<image>"),
    )
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**eyes(), vision_use_head=False),
        text_config=Qwen2Config(**words(len(says))),
        image_token_index=processor.image_token_id,
        video_token_index=says.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=grid,
    )
    return LlavaOnevisionForConditionalGeneration(config), processor


def idefics3() -> tuple[Any, Any]:
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    return _idefics(
        Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor, Idefics3ImageProcessorPil
    )


def smolvlm() -> tuple[Any, Any]:
    from transformers import (
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessorPil,
        SmolVLMProcessor,
    )

    return _idefics(
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        pictures_only(SmolVLMProcessor),
        SmolVLMImageProcessorPil,
        None,
    )


def _idefics(config: Any, model: Any, processor: Any, pictures: Any, *more: Any) -> tuple[Any, Any]:
    from transformers import LlamaConfig

    places = [f"<row_{row}_col_{col}>" for row in range(1, 5) for col in range(1, 5)]
    says = tokenizer("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *places)
    feeds = processor(
        pictures(size={"longest_edge": 32}, max_image_size={"longest_edge": 16}),
        says,
        *more,
        image_seq_len=1,
        chat_template=chat("<image>", "<s>"),
    )
    made = model(
        config(
            vision_config=eyes(),
            text_config=LlamaConfig(**words(len(says))),
            image_token_id=feeds.image_token_id,
            scale_factor=2,
            pad_token_id=0,
        )
    )
    return made, feeds


def _qwen(config: Any, model: Any, processor: Any, vision: dict[str, Any], patch: int = 4) -> tuple[Any, Any]:
    from transformers import Qwen2VLImageProcessorPil

    special = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>")
    says = tokenizer(*special, start=None)
    ids = says.convert_tokens_to_ids(list(special))
    feeds = pictures_only(processor)(
        Qwen2VLImageProcessorPil(
            patch_size=patch, size={"shortest_edge": 16 * patch**2, "longest_edge": 64 * patch**2}
        ),
        says,
        None,
        chat_template=chat("".join(special[:3])),
    )
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    made = model(
        config(
            text_config=words(len(says), rope_parameters=rope, head_dim=8)
            if "qwen3" in config.model_type
            else words(len(says), rope_parameters=rope),
            vision_config={"depth": 2, "num_heads": 2, "patch_size": patch, **vision},
            vision_start_token_id=ids[0],
            image_token_id=ids[1],
            vision_end_token_id=ids[2],
            video_token_id=ids[3],
        )
    )
    return made, feeds


def qwen2_vl() -> tuple[Any, Any]:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    vision = {"embed_dim": 16, "hidden_size": HIDDEN, "mlp_ratio": 2}
    return _qwen(Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor, vision)


def qwen2_5_vl() -> tuple[Any, Any]:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "out_hidden_size": HIDDEN,
        "window_size": 16,
        "fullatt_block_indexes": [1],
    }
    return _qwen(Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, vision)


def qwen3_vl() -> tuple[Any, Any]:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "out_hidden_size": HIDDEN,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0],
    }
    return _qwen(Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor, vision)


def internvl() -> tuple[Any, Any]:
    from transformers import (
        GotOcr2ImageProcessorPil,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        Qwen2Config,
    )

    says = tokenizer(
        start=None,
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    processor = pictures_only(InternVLProcessor)(
        GotOcr2ImageProcessorPil(size={"height": 16, "width": 16}, max_patches=3),
        says,
        None,
        image_seq_length=1,
        chat_template=chat("<IMG_CONTEXT>"),
    )
    config = InternVLConfig(
        vision_config=eyes(),
        text_config=Qwen2Config(**words(len(says))),
        image_token_id=processor.image_token_id,
        image_seq_length=1,
    )
    return InternVLForConditionalGeneration(config), processor


def paligemma() -> tuple[Any, Any]:
    from transformers import (
        GemmaConfig,
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipImageProcessorPil,
        SiglipVisionConfig,
    )

    says = tokenizer("<image>")
    pictures = SiglipImageProcessorPil(size={"height": 16, "width": 16})
    pictures.image_seq_length = 4
    processor = PaliGemmaProcessor(pictures, says)
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(**eyes(), vision_use_head=False, projection_dim=HIDDEN),
        text_config=GemmaConfig(**words(len(says), head_dim=8)),
        image_token_index=says.convert_tokens_to_ids("<image>"),
        projection_dim=HIDDEN,
        hidden_size=HIDDEN,
        vocab_size=len(says),
    )
    return PaliGemmaForConditionalGeneration(config), processor


def gemma3() -> tuple[Any, Any]:
    from transformers import (
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Gemma3ImageProcessorPil,
        Gemma3Processor,
        SiglipVisionConfig,
    )

    says = tokenizer(
        boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>"
    )
    processor = Gemma3Processor(
        Gemma3ImageProcessorPil(size={"height": 16, "width": 16}),
        says,
        image_seq_length=4,
        chat_template=chat("<start_of_image>", "<s>"),
    )
    config = Gemma3Config(
        vision_config=SiglipVisionConfig(**eyes(), vision_use_head=False),
        text_config=words(
            len(says),
            head_dim=8,
            query_pre_attn_scalar=8,
            sliding_window=16,
            layer_types=["sliding_attention", "full_attention"],
        ),
        mm_tokens_per_image=4,
        boi_token_index=says.boi_token_id,
        eoi_token_index=says.eoi_token_id,
        image_token_index=says.image_token_id,
    )
    return Gemma3ForConditionalGeneration(config), processor


FAMILIES: dict[str, Callable[[], tuple[Any, Any]]] = {
    build.__name__: build
    for build in (
        gemma3,
        idefics3,
        internvl,
        llava,
        llava_next,
        llava_onevision,
        paligemma,
        qwen2_5_vl,
        qwen2_vl,
        qwen3_vl,
        smolvlm,
    )
}


def pictures_only(kind: Any) -> Any:
    from cvit_bench.models.processors import without_videos

    return without_videos(kind)


def save(name: str, folder: Path) -> Path:
    """Build the tiny model of a family and write it as a base folder."""
    torch.manual_seed(0)
    model, processor = FAMILIES[name]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
