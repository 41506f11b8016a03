"""Prompts become tensors: padded on the left to answer, on the right to learn; only the answer is learned."""

from io import BytesIO

import pytest
from PIL import Image

from cvit_bench.models.chat import chat_text
from cvit_bench.models.inputs import IGNORED, prompt_batch, to_device, training_batch
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import embedded_base

QUESTIONS = ("Which shape?", "Name the class of the object that you see in the picture, please.", "Grün 猫?")
ANSWERS = ("circle", "A red bag lies on a blue ground.", "T-shirt")


@pytest.fixture(scope="module", params=["recipe", "embedded"])
def processor(request):
    """The processor of the small base: as its recipe builds it, and as it ships."""
    if request.param == "recipe":
        from cvit_bench.mini.base_config import build_processor, build_tokenizer

        return build_processor(build_tokenizer([*QUESTIONS, *ANSWERS]))
    if not (embedded_base() / "config.json").is_file():
        pytest.skip("the embedded base is not built yet")
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(embedded_base(), local_files_only=True)


def picture(colour):
    stream = BytesIO()
    Image.new("RGB", (64, 64), colour).save(stream, "PNG")
    return Picture("here.png", stream.getvalue())


def prompts(*colours):
    pairs = zip(QUESTIONS, colours, strict=False)
    return [
        Prompt(f"s{at}", "toy", "v0", text, picture(colour) if colour else None, 8)
        for at, (text, colour) in enumerate(pairs)
    ]


@pytest.fixture
def asked():
    """Three prompts of different length, each with a picture."""
    return prompts("red", "lime", "blue")


def real_ids(batch, row):
    return batch["input_ids"][row][batch["attention_mask"][row].bool()].tolist()


def alone(processor, prompt):
    return prompt_batch(processor, [prompt])["input_ids"][0].tolist()


def test_prompts_are_padded_on_the_left(processor, asked):
    batch = prompt_batch(processor, asked)
    mask, pad = batch["attention_mask"], processor.tokenizer.pad_token_id
    assert mask.sum(1).unique().numel() > 1
    assert (mask.diff(dim=1) >= 0).all()
    assert (batch["input_ids"][mask == 0] == pad).all()


def test_training_rows_are_padded_on_the_right(processor, asked):
    batch = training_batch(processor, asked, ANSWERS)
    mask, pad = batch["attention_mask"], processor.tokenizer.pad_token_id
    assert mask.sum(1).unique().numel() > 1
    assert (mask.diff(dim=1) <= 0).all()
    assert (batch["input_ids"][mask == 0] == pad).all()


def test_a_prompt_is_the_same_alone_and_among_others(processor, asked):
    batch = prompt_batch(processor, asked)
    assert [real_ids(batch, row) for row in range(3)] == [alone(processor, prompt) for prompt in asked]


def test_what_is_learned_is_the_answer_and_its_end_and_nothing_else(processor, asked):
    batch = training_batch(processor, asked, ANSWERS)
    eos = processor.tokenizer.eos_token_id
    for row, answer in enumerate(ANSWERS):
        labels = batch["labels"][row]
        learned = labels[labels != IGNORED].tolist()
        assert learned[-1] == eos
        assert eos not in learned[:-1]
        assert processor.tokenizer.decode(learned[:-1]).strip() == answer


def test_labels_stand_where_their_tokens_stand_right_behind_the_prompt(processor, asked):
    batch = training_batch(processor, asked, ANSWERS)
    for row, prompt in enumerate(asked):
        question, ids = alone(processor, prompt), real_ids(batch, row)
        labels = batch["labels"][row].tolist()
        assert ids[: len(question)] == question
        assert labels[: len(question)] == [IGNORED] * len(question)
        assert labels[len(question) : len(ids)] == ids[len(question) :]
        assert set(labels[len(ids) :]) <= {IGNORED}


def test_an_empty_answer_teaches_the_end_alone(processor, asked):
    labels = training_batch(processor, asked[:1], [""])["labels"][0]
    assert labels[labels != IGNORED].tolist() == [processor.tokenizer.eos_token_id]


def test_every_prompt_needs_its_answer(processor, asked):
    with pytest.raises(ValueError, match="shorter"):
        training_batch(processor, asked, ANSWERS[:2])


def test_a_prompt_begins_once_and_ends_where_the_answer_starts(processor, asked):
    text = chat_text(processor, asked[0])
    assert text == "<s><|user|><image>Which shape?<|assistant|>"
    ids = alone(processor, asked[0])
    tokens = processor.tokenizer.convert_ids_to_tokens([ids[0], ids[-1]])
    assert tokens == ["<s>", "<|assistant|>"]
    assert ids.count(processor.tokenizer.bos_token_id) == 1


def test_pictures_follow_their_prompts(processor, asked):
    batch = prompt_batch(processor, asked)
    image = processor.tokenizer.convert_tokens_to_ids("<image>")
    assert batch["pixel_values"].shape == (3, 3, 64, 64)
    assert batch["pixel_values"].flatten(2).mean(2).argmax(1).tolist() == [0, 1, 2]
    assert (batch["input_ids"] == image).sum(1).tolist() == [64, 64, 64]


def test_a_prompt_without_a_picture_has_no_place_for_one(processor):
    mixed = prompts("red", None, "blue")
    batch = prompt_batch(processor, mixed)
    image = processor.tokenizer.convert_tokens_to_ids("<image>")
    assert (batch["input_ids"] == image).sum(1).tolist() == [64, 0, 64]
    assert batch["pixel_values"].shape[0] == 2
    assert set(prompt_batch(processor, mixed[1:2])) == {"input_ids", "attention_mask"}


def test_pixels_take_the_models_type_and_ids_stay_integers(processor, asked):
    import torch

    moved = to_device(training_batch(processor, asked, ANSWERS), torch.device("cpu"), torch.bfloat16)
    types = {name: value.dtype for name, value in moved.items()}
    assert types.pop("pixel_values") is torch.bfloat16
    assert set(types.values()) == {torch.int64}


def test_the_start_token_is_added_where_the_chat_template_has_none():
    from tokenizers.processors import TemplateProcessing

    from cvit_bench.mini.base_config import CHAT, build_processor, build_tokenizer

    tokenizer = build_tokenizer(QUESTIONS)
    start = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", start)]
    )
    processor = build_processor(tokenizer)
    for template in (CHAT, CHAT.replace("<s><|user|>", "<|user|>")):
        processor.chat_template = template
        (ids,) = prompt_batch(processor, prompts(None))["input_ids"].tolist()
        assert (ids[0], ids.count(start)) == (start, 1)
