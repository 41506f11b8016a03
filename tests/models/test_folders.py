"""Checkpoint folders: where a base is, and a hash that changes only with what decides the answers."""

import pytest

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.models.folders import (
    adapter_config,
    adapter_sha256,
    base_folder,
    base_sha256,
    detect_family,
    instruction_mode,
)
from cvit_bench.models.unopened import reads_once
from cvit_bench.records.manifest import BaseModelRef
from cvit_bench.resources import embedded_base


@pytest.fixture
def base(tmp_path):
    """A folder that looks like a base; no model is opened here."""
    return folder_of(
        tmp_path / "base",
        **{
            "config.json": '{"model_type": "llava"}',
            "model-00001-of-00002.safetensors": "one",
            "model-00002-of-00002.safetensors": "two",
            "tokenizer.json": "{}",
            "chat_template.jinja": "{{ messages }}",
            "preprocessor_config.json": "{}",
        },
    )


@pytest.fixture
def adapter(tmp_path):
    """A folder that looks like an adapter."""
    return folder_of(
        tmp_path / "adapter", **{"adapter_config.json": "{}", "adapter_model.safetensors": "abc"}
    )


def folder_of(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def change_a_byte(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
        "preprocessor_config.json",
    ],
)
def test_one_byte_of_a_file_that_decides_answers_changes_the_hash_of_a_base(base, name):
    before = base_sha256(base)
    change_a_byte(base / name)
    changed = base_sha256(base)
    change_a_byte(base / name)
    assert base_sha256(base) == before != changed


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "loss.json", "trainer_state.json", "optimizer.pt"])
def test_a_file_that_decides_nothing_leaves_the_hash_of_a_base(base, name):
    before = base_sha256(base)
    (base / name).write_text("x")
    assert base_sha256(base) == before


def test_the_hash_of_a_base_does_not_depend_on_where_it_lies(base, tmp_path):
    before = base_sha256(base)
    assert base_sha256(base.rename(tmp_path / "elsewhere")) == before


def test_a_renamed_file_changes_the_hash_of_a_base(base):
    before = base_sha256(base)
    (base / "tokenizer.json").rename(base / "tokens.json")
    assert base_sha256(base) != before


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_one_byte_of_an_adapter_changes_its_hash(adapter, name):
    before = adapter_sha256(adapter)
    change_a_byte(adapter / name)
    assert adapter_sha256(adapter) != before


@pytest.mark.parametrize("name", ["README.md", "training.json", "optimizer.pt"])
def test_what_lies_beside_an_adapter_leaves_its_hash(adapter, name):
    before = adapter_sha256(adapter)
    (adapter / name).write_text("x")
    assert adapter_sha256(adapter) == before


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_that_lacks_a_part_is_no_adapter(adapter, name):
    (adapter / name).unlink()
    with pytest.raises(CvitBenchError, match=f"no {name}: not an adapter folder$"):
        adapter_sha256(adapter)


def test_pickled_adapter_weights_are_refused(adapter):
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(
        CvitBenchError, match=r"not an adapter folder \(pickled weights are not read; .*--allow-pickle"
    ):
        adapter_sha256(adapter)


def test_a_script_is_hashed_as_an_adapter(tmp_path):
    folder = folder_of(tmp_path / "stage", **{"scripted.json": "{}"})
    before = adapter_sha256(folder)
    (folder / "README.md").write_text("x")
    assert adapter_sha256(folder) == before
    (folder / "scripted.json").write_text('{"default": "x"}')
    assert adapter_sha256(folder) != before


def test_a_folder_that_is_not_there_is_no_adapter(tmp_path):
    with pytest.raises(CvitBenchError, match=r"no adapter_config\.json and no adapter_model\.safetensors"):
        adapter_sha256(tmp_path / "gone")


def test_the_family_is_read_from_the_configuration(base):
    assert detect_family(base) == "llava"


def test_an_unknown_model_type_gets_a_suggestion(base):
    (base / "config.json").write_text('{"model_type": "lava"}')
    with pytest.raises(CvitBenchError) as caught:
        detect_family(base)
    known = ", ".join(plugins.names(plugins.FAMILIES))
    message = f"{base / 'config.json'}: unknown model_type 'lava' (known: {known}). Did you mean 'llava'?"
    assert str(caught.value) == message


@pytest.mark.parametrize("text", [None, "", "{", "{}", "[]", "null", '"llava"', "\ufeff{"])
def test_a_folder_that_names_no_model_type_is_no_model_folder(base, text):
    (base / "config.json").unlink()
    if text is not None:
        (base / "config.json").write_text(text)
    with pytest.raises(CvitBenchError, match=r"no config\.json that names a model_type: not a model folder"):
        detect_family(base)


def test_a_base_is_looked_up_in_the_run_before_the_working_folder(tmp_path, monkeypatch):
    run, work = tmp_path / "run", tmp_path / "work"
    for folder in (run / "both", work / "both", work / "work_only"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(work)
    assert base_folder(BaseModelRef(path="both"), run).resolve() == run / "both"
    assert base_folder(BaseModelRef(path="both")).resolve() == work / "both"
    assert base_folder(BaseModelRef(path="work_only"), run).resolve() == work / "work_only"


def test_an_absolute_base_is_taken_as_it_stands(base, tmp_path):
    assert base_folder(BaseModelRef(path=str(base)), tmp_path / "run") == base


@pytest.mark.parametrize("path", ["gone", "./gone/x", "/gone/x", "a/b/c"])
def test_a_base_that_is_neither_folder_nor_hub_id_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CvitBenchError) as caught:
        base_folder(BaseModelRef(path=path))
    assert str(caught.value) == f"base.path: {path!r}: no such folder, and no hub id"


def test_the_embedded_base_goes_by_name():
    assert base_folder(BaseModelRef(path="embedded:mini")) == embedded_base()
    with pytest.raises(CvitBenchError, match=r"unknown embedded base 'miny' .* Did you mean 'mini'"):
        base_folder(BaseModelRef(path="embedded:miny"))


def test_a_hub_id_without_a_network_says_what_would_help(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CvitBenchError) as caught:
        base_folder(BaseModelRef(path="nobody/nothing-at-all", revision="v7"), tmp_path)
    assert str(caught.value).startswith(
        "base.path: nobody/nothing-at-all: no such folder, and not to be had from the hub at revision v7 ("
    )
    assert "HF_HOME" in str(caught.value)


def test_a_checkpoint_that_is_a_hub_id_without_a_network_names_its_stage(monkeypatch, tmp_path):
    from cvit_bench.evaluate.weights import locate_stages
    from cvit_bench.records.manifest import Manifest

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    stage = {"name": "01-a", "tasks": ["mini_geo"], "checkpoint": "nobody/nothing-at-all"}
    manifest = Manifest.model_validate(
        {"schema_version": 1, "run": "r", "suite": "mini", "method": "m", "base": {"path": "embedded:mini"},
         "stages": [stage]}
    )  # fmt: skip
    with pytest.raises(
        CvitBenchError, match=r"manifest.json: stages.0.checkpoint: nobody/nothing-at-all: no such"
    ):
        locate_stages(tmp_path, manifest)


NO_CONFIGS = {"[]": "got list", "3": "got int", "{": "not valid JSON", "[" * 100_000: "not valid JSON"}


@pytest.mark.parametrize("text", NO_CONFIGS, ids=lambda text: text[:3])
def test_a_configuration_that_is_none_is_named_and_asks_for_nothing(adapter, text):
    (adapter / "adapter_config.json").write_text(text)
    with pytest.raises(CvitBenchError, match=rf"adapter_config\.json: .*{NO_CONFIGS[text]}"):
        adapter_config(adapter)
    assert instruction_mode(adapter) is None
    assert not reads_once(adapter)
