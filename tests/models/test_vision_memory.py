"""A picture is looked at once; what is kept equals what the tower says, whoever came along."""

from io import BytesIO

import pytest
import torch
from PIL import Image

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.encoder import Encoder
from cvit_bench.models.family import Placement
from cvit_bench.models.inputs import prompt_batch, training_batch
from cvit_bench.models.loading import load_base
from cvit_bench.models.vision_memory import Features, VisionMemory
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import embedded_base

TOWER = "model.vision_tower"
ONE_PICTURE = 65 * 192 * 4
"""Bytes: 64 patches and a class token, 192 wide, float32."""


def picture(colour):
    stream = BytesIO()
    Image.new("RGB", (64, 64), colour).save(stream, "PNG")
    return Picture("here.png", stream.getvalue())


@pytest.fixture
def asked():
    """Four prompts; two share a picture, one has none."""
    red, blue = picture("red"), picture("blue")
    rows = [("Which colour?", red), ("And this, what colour is it?", blue), ("Hello?", None), ("Again?", red)]
    return [Prompt(f"s{at}", "toy", "v0", text, seen, 8) for at, (text, seen) in enumerate(rows)]


@pytest.fixture
def plain():
    """The embedded base, its tower as transformers has it."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(embedded_base(), dtype=torch.float32)
    return model.eval(), AutoProcessor.from_pretrained(embedded_base())


def encoder_of(plain, limit=1 << 30):
    model, processor = plain
    vision = VisionMemory(model, TOWER, Features(limit))
    return Encoder(processor, torch.device("cpu"), torch.float32, vision)


def counting(plain):
    """Count the pictures that the true tower computes."""
    tower, seen = plain[0].model.vision_tower, []
    compute = tower.forward

    def counted(pixels, **kwargs):
        seen.append(len(pixels))
        return compute(pixels, **kwargs)

    tower.forward = counted
    return seen


@torch.no_grad()
def test_answers_are_those_of_the_tower(plain, asked):
    model, processor = plain
    wanted = model(**prompt_batch(processor, asked)).logits
    encoder = encoder_of(plain)
    for _ in range(2):
        torch.testing.assert_close(model(**encoder.prompts(asked)).logits, wanted, rtol=1e-4, atol=1e-4)


def test_lessons_are_those_of_the_tower(plain, asked):
    model, processor = plain
    answers = ["red", "blue", "hello", "red"]
    wanted = model(**training_batch(processor, asked, answers)).loss
    encoder = encoder_of(plain)
    batch = encoder.lesson(asked, answers)
    assert batch["labels"].shape == batch["input_ids"].shape
    torch.testing.assert_close(model(**batch).loss, wanted, rtol=1e-5, atol=1e-5)


def test_a_picture_is_looked_at_once(plain, asked):
    seen = counting(plain)
    encoder = encoder_of(plain)
    for prompts in (asked, asked[:2], asked[::-1]):
        encoder.prompts(prompts)
    assert seen == [1, 1]


@torch.no_grad()
def test_features_do_not_depend_on_neighbours(plain, asked):
    model, _ = plain
    together = encoder_of(plain)
    model.model.vision_tower.__dict__.pop("forward")
    apart = encoder_of(plain)
    together.prompts(asked)
    for prompt in asked[:2]:
        apart.prompts([prompt])
    for name, features in together._vision._features.kept.items():
        assert torch.equal(features[0], apart._vision._features.kept[name][0])


@torch.no_grad()
def test_beyond_its_budget_it_computes_again(plain, asked):
    model, processor = plain
    wanted = model(**prompt_batch(processor, asked)).logits
    seen = counting(plain)
    encoder = encoder_of(plain, limit=ONE_PICTURE)
    for _ in range(2):
        found = model(**encoder.prompts(asked)).logits
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert seen == [1, 1, 1]


def test_what_inference_kept_can_be_learned_from(plain, asked):
    model, _ = plain
    encoder = encoder_of(plain)
    with torch.inference_mode():
        model.generate(**encoder.prompts(asked[:2]), max_new_tokens=2)
    loss = model(**encoder.lesson(asked[:2], ["red", "blue"])).loss
    loss.backward()
    assert model.model.multi_modal_projector.linear_1.weight.grad.abs().sum() > 0


def test_true_pixels_are_looked_at(plain, asked):
    model, processor = plain
    encoder_of(plain).prompts(asked)
    seen = counting(plain)
    model(**prompt_batch(processor, asked))
    assert seen == [3]


def test_other_pictures_than_announced_are_refused(plain, asked):
    encoder = encoder_of(plain)
    stale = encoder.prompts(asked[:2])
    encoder.prompts(asked[:1])
    with pytest.raises(CvitBenchError, match="2 pictures, but 1 were announced"):
        plain[0](**stale)


def test_two_loads_of_a_base_share_their_memory(asked):
    one = load_base(embedded_base(), Placement())
    one.encoder.prompts(asked)
    two = load_base(embedded_base(), Placement())
    assert two.encoder._vision._features is one.encoder._vision._features
    assert two.encoder._rows is one.encoder._rows
    assert all(prompt.picture is None or prompt.picture.sha256 in two.encoder._vision for prompt in asked)
