"""One by one: every pass is of one row, nothing is merged, and a batch gives what each prompt alone gives."""

import io

import peft
import pytest
import torch
from PIL import Image

from cvit_bench.models.family import Checkpoint, Placement, open_replay
from cvit_bench.models.loading import load_base
from cvit_bench.records.sample import Picture, Prompt
from cvit_bench.resources import embedded_base

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def asked():
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(stream, "PNG")
    picture = Picture("1.png", stream.getvalue())
    return [
        Prompt("1", "toy", f"v{at}", f"What is it? Say it{' shortly' * at}.", picture, 3) for at in range(3)
    ]


@pytest.fixture
def adapter(tmp_path):
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, target_modules=r".*language_model.*_proj", init_lora_weights=False)
    peft.get_peft_model(load_base(embedded_base(), Placement()).model, config).save_pretrained(
        tmp_path / "01"
    )
    return Checkpoint("01", tmp_path / "01", "adapter")


def rows_read(model):
    """Return a list that takes up how many rows every pass of the language model reads."""
    seen = []
    decoder = model._base.model.get_decoder()
    decoder.register_forward_pre_hook(
        lambda _, args, given: seen.append(len(given["inputs_embeds"])), with_kwargs=True
    )
    return seen


def test_prompts_are_answered_alone_and_unmerged(asked, adapter):
    usual, alone = (open_replay(embedded_base(), Placement(one_by_one=one)) for one in (False, True))
    said = []
    for model in (usual, alone):
        model.use(adapter)
        seen = rows_read(model)
        said.append((model.generate(asked), max(seen), model._merged is not None))
        ranked = model.answer_and_rank(asked, [["red", "blue"]] * 3)
        assert [text for text, _ in ranked] == said[-1][0]
    plain = alone.generate_plainly(asked)
    assert said == [(plain, 3, True), (plain, 1, False)]
