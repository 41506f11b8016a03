"""A tiny random model of every family with the processor that feeds it, built on the spot, offline.

One function a family, under the name that its configuration carries (`model_type`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.families.llavas import llava, llava_next, llava_onevision
from tests.families.parts import HIDDEN, chat, eyes, pictures_only, tokenizer, words


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


def save(name: str, folder: Path) -> Path:
    """Build the tiny model of a family and write it as a base folder."""
    torch.manual_seed(0)
    model, processor = FAMILIES[name]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
