"""The small base loads through the Auto classes and answers the same alone and in a batch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

MINI = Path(__file__).parents[2] / "cvit_bench" / "mini"
QUESTIONS = [
    "What color is the background?\nAnswer with a single word.",
    "What is this? One word only.",
    "Write a caption.",
    "Reply with one letter. What can be seen here?\nA. cat B. owl C. bus D. key",
]


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return AutoModelForImageTextToText.from_pretrained(MINI / "base", dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def processor() -> Any:
    return AutoProcessor.from_pretrained(MINI / "base")


def chat(processor: Any, question: str) -> str:
    content = [{"type": "image"}, {"type": "text", "text": question}]
    return str(
        processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    )


def new_tokens(model: Any, processor: Any, texts: list[str], images: list[Image.Image]) -> list[list[int]]:
    batch = processor(text=texts, images=images, padding=True, return_tensors="pt")
    with torch.no_grad():
        tokens = model.generate(**batch, max_new_tokens=10, do_sample=False)[:, batch["input_ids"].shape[1] :]
    end = processor.tokenizer.eos_token_id
    return [row[: row.index(end)] if end in row else row for row in tokens.tolist()]


def test_size(model: Any) -> None:
    assert 2e6 < sum(weight.numel() for weight in model.parameters()) < 6e6
    assert 5e6 < (MINI / "base" / "model.safetensors").stat().st_size < 12e6


def test_batch_answers_like_single(model: Any, processor: Any) -> None:
    pictures = pd.read_parquet(MINI / "data" / "mini_caption" / "test.parquet")["image"][:4]
    images = [Image.open(io.BytesIO(data)) for data in pictures]
    texts = [chat(processor, question) for question in QUESTIONS]
    assert processor.tokenizer.padding_side == "left"
    together = new_tokens(model, processor, texts, images)
    alone = [
        new_tokens(model, processor, [text], [image])[0] for text, image in zip(texts, images, strict=True)
    ]
    assert together == alone


def test_image_token_count_agrees_with_the_model(model: Any, processor: Any) -> None:
    text = chat(processor, QUESTIONS[0])
    ids = processor(text=[text], images=[Image.new("RGB", (64, 64))], return_tensors="pt")["input_ids"][0]
    assert int((ids == model.config.image_token_index).sum()) == 64


def test_tokenizer_keeps_any_ascii(processor: Any) -> None:
    text = "".join(chr(code) for code in range(33, 127))
    assert processor.tokenizer.decode(processor.tokenizer(text)["input_ids"]).strip() == text
    assert processor.tokenizer("red")["input_ids"] == processor.tokenizer(" red")["input_ids"]


def test_chat_template_takes_plain_strings(processor: Any) -> None:
    messages = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "red"}]
    assert processor.apply_chat_template(messages) == "<s><|user|>What?<|assistant|>red</s>"
