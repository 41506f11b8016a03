"""Adapters on a loaded base: swapped in place, no local path in them, refused where they do not fit."""

import json
import shutil
import sys

import pytest
import torch

from cvit_bench.errors import CvitBenchError
from cvit_bench.models.adapter_files import load_adapter, save_adapter
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.resources import embedded_base

pytestmark = pytest.mark.slow
CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
IDS = torch.tensor([[1, 300, 301, 302, 5]])


@pytest.fixture(scope="module")
def base():
    """The small base, opened once; tests leave their adapters on it."""
    if not (embedded_base() / "config.json").is_file():
        pytest.skip("the embedded base is not built yet")
    return load_base(embedded_base(), Placement()).model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two adapter folders with weights of their own."""
    from peft import LoraConfig, get_peft_model

    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = load_base(embedded_base(), Placement()).model
        config = LoraConfig(
            r=2, target_modules=r".*language_model.*\.(q_proj|v_proj)", init_lora_weights=False
        )
        folder = tmp_path_factory.mktemp(f"adapter-{seed}")
        save_adapter(get_peft_model(model, config), folder, "embedded:mini", "0" * 64)
        made.append(folder)
    return made


@pytest.fixture
def copied(folders, tmp_path):
    """A copy of the first adapter that a test may damage."""
    return shutil.copytree(folders[0], tmp_path / "copy")


def edit_config(folder, **changes):
    path = folder / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(folder, change):
    from safetensors.torch import load_file, save_file

    save_file(dict(change(load_file(folder / TENSORS))), folder / TENSORS)


@torch.inference_mode()
def logits(model):
    return model(input_ids=IDS).logits


def test_an_adapter_is_swapped_in_place_and_comes_back_the_same(folders):
    model = load_base(embedded_base(), Placement()).model
    plain = logits(model)
    adapted, seen = None, []
    for name, folder in (
        ("01-a", folders[0]),
        ("02-b", folders[1]),
        ("01-a", folders[0]),
        ("01-a", folders[0]),
    ):
        adapted = load_adapter(model, adapted, folder, name)
        assert len(adapted.peft_config) == 1
        seen.append(logits(adapted))
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[0], seen[3])
    assert not torch.equal(seen[0], seen[1])
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted), plain)


def test_a_saved_adapter_names_its_base_as_given_and_no_local_path(folders):
    assert json.loads((folders[0] / CONFIG).read_text())["base_model_name_or_path"] == "embedded:mini"
    for path in folders[0].iterdir():
        assert str(embedded_base()).encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_tensors_that_are_cut_short_are_an_error(base, copied, share):
    data = (copied / TENSORS).read_bytes()
    (copied / TENSORS).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CvitBenchError, match="copy: the adapter does not fit its base"):
        load_adapter(base, None, copied, "01-a")


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 5},
        {"r": 10**9},
        {"rank_pattern": {"q_proj": 10**9}},
        {"peft_type": "NOTHING"},
        {"target_modules": ["nothing_like_this"]},
        {"target_modules": "(["},
        {"target_modules": [5]},
        {"rank_pattern": [5]},
        {"alpha_pattern": [5]},
    ],
    ids=[
        "rank",
        "absurd rank",
        "absurd rank of a layer",
        "type",
        "targets",
        "pattern",
        "targets of another kind",
        "ranks of another kind",
        "strengths of another kind",
    ],
)
def test_a_configuration_that_does_not_fit_is_an_error(base, copied, changes):
    edit_config(copied, **changes)
    with pytest.raises(CvitBenchError, match="copy: the adapter does not fit its base"):
        load_adapter(base, None, copied, "01-a")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "smolora", "settings": {"rank": 10**9}}, "1,000,000,000"),
        ({"method": "smolora", "settings": {"num_experts": 10**9}}, "1,000,000,000"),
        ({"method": "branchlora", "branches": [10**9]}, "1,000,000,000"),
        ({"method": "smolora", "settings": 5}, "copy: the adapter does not fit its base"),
        ({"method": "nosuch"}, "unknown adapter 'nosuch'"),
        ({"method": "antigravity"}, "unknown adapter 'antigravity'"),
        ({"method": "stranger.adapter"}, "a module is not imported because a checkpoint names it"),
    ],
)
def test_a_routed_configuration_builds_nothing_absurd_and_imports_nothing(
    base, copied, changes, said, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "adapter.py").write_text("class Config: pass\n")
    text = {"peft_type": "CVIT_BENCH", "target_modules": ".*q_proj", **changes}
    (copied / CONFIG).write_text(json.dumps(text))
    with pytest.raises(CvitBenchError, match=said):
        load_adapter(base, None, copied, "01-a")
    assert not {"antigravity", "stranger", "stranger.adapter"} & set(sys.modules)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_configuration_that_is_damaged_is_an_error(base, copied, text):
    (copied / CONFIG).write_text(text)
    with pytest.raises(CvitBenchError, match="copy: the adapter does not fit its base"):
        load_adapter(base, None, copied, "01-a")


def test_a_tensor_without_a_place_is_named(base, copied):
    edit_tensors(
        copied, lambda tensors: {**tensors, "base_model.model.elsewhere.lora_A.weight": torch.ones(2, 2)}
    )
    with pytest.raises(
        CvitBenchError, match=r"elsewhere\.lora_A.* has no place in the base \(1 tensors without"
    ):
        load_adapter(base, None, copied, "01-a")


def test_a_tensor_that_is_not_in_the_file_is_named(base, copied):
    edit_tensors(copied, lambda tensors: list(tensors.items())[1:])
    with pytest.raises(CvitBenchError, match=r"is not in the file \(0 tensors without a place, 1 missing\)"):
        load_adapter(base, None, copied, "01-a")
