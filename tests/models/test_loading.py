"""A base that cannot be opened is an error that names its folder; nothing is unpickled or fetched."""

import json
import shutil

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base, named_device, torch_device, torch_dtype
from cvit_bench.resources import embedded_base

WEIGHTS = "model.safetensors"


@pytest.fixture
def base(tmp_path):
    """A copy of the small base."""
    if not (embedded_base() / "config.json").is_file():
        pytest.skip("the embedded base is not built yet")
    return shutil.copytree(embedded_base(), tmp_path / "base")


def complaint(folder):
    with pytest.raises(CvitBenchError) as caught:
        load_base(folder, Placement())
    return str(caught.value)


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_base_is_opened_to_answer_and_not_to_learn(base):
    loaded = load_base(base, Placement())
    assert not loaded.model.training
    assert loaded.processor.tokenizer.padding_side == "left"
    assert {str(weight.dtype) for weight in loaded.model.parameters()} == {"torch.float32"}


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_weights_that_are_cut_short_are_an_error(base, share):
    data = (base / WEIGHTS).read_bytes()
    (base / WEIGHTS).write_bytes(data[: int(len(data) * share)])
    assert complaint(base).startswith(f"{base}: the model cannot be loaded (")


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json", "processor_config.json"])
def test_a_part_that_is_missing_is_an_error(base, name):
    (base / name).unlink()
    assert complaint(base).startswith(f"{base}: the model cannot be loaded (")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tokenizer.json", ": the model cannot be loaded ("),
        ("processor_config.json", "/processor_config.json: "),
    ],
)
@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_part_that_is_damaged_is_an_error(base, name, said, text):
    (base / name).write_text(text)
    assert complaint(base).startswith(f"{base}{said}")


def test_pickled_weights_are_not_read(base):
    (base / WEIGHTS).rename(base / "pytorch_model.bin")
    assert "the model cannot be loaded" in complaint(base)


def test_weights_of_another_size_than_the_configuration_are_an_error(base):
    text = json.loads((base / "config.json").read_text())["text_config"]
    edit_config(base, text_config={**text, "intermediate_size": text["intermediate_size"] * 2})
    assert complaint(base).startswith(f"{base}: the model cannot be loaded (")


def test_a_configuration_of_the_wrong_kind_is_an_error(base):
    edit_config(base, text_config=3)
    assert complaint(base).startswith(f"{base}: the model cannot be loaded (")


@pytest.mark.parametrize("name", ["banana", "cpu:x", "cuda:999", "meta", ""])
def test_a_device_that_is_not_there_is_an_error_with_its_name(name):
    with pytest.raises(CvitBenchError, match=rf"device '{name}' cannot be used \("):
        torch_device(name)


def test_a_device_that_is_elsewhere_may_be_named_but_not_one_that_is_none():
    assert str(named_device("cuda:7")) == "cuda:7"
    with pytest.raises(CvitBenchError, match=r"device 'banana' cannot be used \("):
        named_device("banana")


def test_the_cpu_is_always_there():
    assert torch_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["float33", "nn", "Tensor", ""])
def test_a_type_that_torch_does_not_know_is_an_error(name):
    with pytest.raises(
        CvitBenchError, match=rf"dtype '{name}' is unknown \(known: bfloat16, float16, float32\)"
    ):
        torch_dtype(name)


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_a_base_that_does_not_say_what_it_is_is_an_error(base, text):
    path = base / "config.json"
    path.unlink() if text is None else path.write_text(text)
    assert complaint(base) == f"{base}: no config.json that names a model_type: not a model folder"


def test_a_base_without_a_chat_template_is_an_error(base):
    (base / "chat_template.jinja").unlink()
    assert complaint(base).startswith(f"{base}: no chat_template.jinja, and none in tokenizer_config.json")


REMOTE = """
from transformers import LlavaForConditionalGeneration

print("code beside the weights")

class OursForConditionalGeneration(LlavaForConditionalGeneration):
    pass
"""


def test_code_beside_the_weights_runs_only_where_that_is_asked_for(base, tmp_path, capsys):
    (base / "ours.py").write_text(REMOTE)
    edit_config(base, auto_map={"AutoModelForImageTextToText": "ours.OursForConditionalGeneration"})
    plain = load_base(base, Placement()).model
    assert type(plain).__name__ == "LlavaForConditionalGeneration"
    assert "code beside" not in capsys.readouterr().out
    trusted = load_base(base, Placement(remote_code=True)).model
    assert type(trusted).__name__ == "OursForConditionalGeneration"
    said = capsys.readouterr()
    assert "code beside the weights" in said.out
    assert "warning" in said.err
