"""Tiny models of the LLaVA families."""

from __future__ import annotations

from typing import Any

from tests.families.parts import chat, eyes, pictures_only, tokenizer, words


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
