"""A manifest from a glob of other people's checkpoints: in natural order, by name or by place, converted."""

import json
import shutil
from dataclasses import replace

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from cvit_bench.cli.evaluate import evaluate as evaluate_verb
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.adapter_names import new_name
from cvit_bench.interop.new_run import NewRun, natural, write_run
from cvit_bench.models.family import Placement
from cvit_bench.models.loading import load_base
from cvit_bench.records.manifest import BaseModelRef, load_manifest
from cvit_bench.resources import embedded_base

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LAYERS = r".*language_model.*\.(q_proj|v_proj)"
WRAP = "base_model.model."


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A LoRA on the embedded base, its projector trained in full."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    config = peft.LoraConfig(
        r=2, target_modules=LAYERS, modules_to_save=["model.multi_modal_projector"], init_lora_weights=False
    )
    peft.get_peft_model(load_base(embedded_base(), Placement()).model, config).save_pretrained(folder)
    return folder


@pytest.fixture
def copies(adapter, tmp_path):
    """Return a function that copies the adapter to folders of these names."""

    def copy(*names):
        return [shutil.copytree(adapter, tmp_path / "found" / name) for name in names]

    return copy


def asked(tmp_path, pattern="found/*", **more):
    return NewRun(
        BaseModelRef(path="embedded:mini"), "mini", (str(tmp_path / pattern),), tmp_path / "run", **more
    )


def stages(tmp_path):
    return [
        (stage.tasks[0], stage.kind, stage.checkpoint) for stage in load_manifest(tmp_path / "run").stages
    ]


def test_numbers_in_names_are_numbers():
    names = ["checkpoint-10", "checkpoint-2", "b", "a-1-x", "a-1", "a-1²3"]
    assert sorted(names, key=natural) == ["a-1", "a-1-x", "a-1²3", "b", "checkpoint-2", "checkpoint-10"]


def test_folders_without_telling_names_get_tasks_in_natural_order(copies, tmp_path):
    made = copies("checkpoint-10", "checkpoint-2", "checkpoint-100")
    found = write_run(asked(tmp_path))
    order = [made[1], made[0], made[2]]
    tasks = ["mini_geo", "mini_read", "mini_caption"]
    assert stages(tmp_path) == [
        (task, "adapter", str(folder)) for task, folder in zip(tasks, order, strict=True)
    ]
    assert {stage.reason for stage in found} == {"by its place in the order"}


def test_folders_get_the_tasks_that_they_are_named_after(copies, tmp_path):
    copies("1-read-lora", "2_GEO", "3.mini_caption")
    found = write_run(asked(tmp_path))
    assert [task for task, _, _ in stages(tmp_path)] == ["mini_read", "mini_geo", "mini_caption"]
    assert {stage.reason for stage in found} == {"by its name"}


def test_tasks_may_be_said(copies, tmp_path):
    copies("a", "b")
    write_run(asked(tmp_path, tasks=("mini_scene", "mini_read")))
    assert [stage.name for stage in load_manifest(tmp_path / "run").stages] == [
        "01-mini_scene",
        "02-mini_read",
    ]


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        ((), {}, "no folder of that name"),
        (("a", "b"), {"tasks": ("mini_geo",)}, "--tasks: 1 tasks for 2 folders"),
        (("a",), {"tasks": ("mini_goe",)}, "--tasks: unknown train task 'mini_goe'"),
        (tuple("abcdefg"), {}, "7 folders for 6 train tasks"),
    ],
)
def test_what_cannot_be_told_is_said(names, more, message, copies, tmp_path):
    copies(*names)
    with pytest.raises(CvitBenchError, match=message):
        write_run(asked(tmp_path, **more))
    assert not (tmp_path / "run").exists()


def test_names_that_no_manifest_can_carry_are_refused(copies, tmp_path):
    copies("a")
    for change, said in (
        ({"method": "Mo E"}, "--method 'Mo E': letters, digits"),
        (
            {"run_dir": tmp_path / "my run"},
            "--run-dir .*my run: the folder's name is the run's: 'my run': letters",
        ),
    ):
        with pytest.raises(CvitBenchError, match=said):
            write_run(replace(asked(tmp_path), **change))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found"]


def test_a_folder_that_is_no_checkpoint_names_those_in_it(tmp_path):
    (tmp_path / "found" / "a" / "checkpoint-5").mkdir(parents=True)
    with pytest.raises(CvitBenchError, match="not a checkpoint; it holds checkpoint-5: name one of them"):
        write_run(asked(tmp_path))


def test_a_manifest_that_is_there_stays(copies, tmp_path):
    copies("a")
    write_run(asked(tmp_path))
    with pytest.raises(CvitBenchError, match="is there already"):
        write_run(asked(tmp_path))


def as_llava(folder, wrap=WRAP):
    """Give an adapter the names and files of LLaVA's own repository."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    renamed = {
        name.replace("model.language_model.layers", "model.layers")
        .replace("multi_modal_projector.linear_1", "mm_projector.0")
        .replace("multi_modal_projector.linear_2", "mm_projector.2")
        .replace(WRAP, wrap): value
        for name, value in tensors.items()
    }
    projector = {name: value for name, value in renamed.items() if "mm_projector" in name}
    torch.save(
        {name: value for name, value in renamed.items() if name not in projector},
        folder / "adapter_model.bin",
    )
    torch.save(projector, folder / "non_lora_trainables.bin")
    edit_config(folder, target_modules=["q_proj", "v_proj"], modules_to_save=None, task_type="CAUSAL_LM")


def edit_config(folder, **changes):
    path = folder / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def as_older_transformers(folder):
    tensors = load_file(folder / WEIGHTS)
    older = {
        name.replace("model.language_model.layers", "language_model.model.layers").replace(
            "model.multi_modal_projector", "multi_modal_projector"
        ): value
        for name, value in tensors.items()
    }
    save_file(older, folder / WEIGHTS)
    edit_config(folder, modules_to_save=["multi_modal_projector"])


@pytest.mark.parametrize("change", [as_llava, lambda folder: as_llava(folder, ""), as_older_transformers])
def test_older_names_become_the_names_of_today(change, copies, adapter, tmp_path):
    (folder,) = copies("old")
    change(folder)
    (stage,) = write_run(asked(tmp_path, allow_pickle=True))
    assert stage.found.copied
    target = tmp_path / "run" / "stages" / "01-mini_geo"
    wanted, found = load_file(adapter / WEIGHTS), load_file(target / WEIGHTS)
    assert sorted(found) == sorted(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    base = load_base(embedded_base(), Placement()).model
    adapted = peft.PeftModel.from_pretrained(base, target)
    state = peft.get_peft_model_state_dict(adapted)
    assert {name: value.tolist() for name, value in state.items()} == {
        name: value.tolist() for name, value in wanted.items()
    }


def test_pickles_are_read_only_where_that_is_allowed(copies, tmp_path):
    (folder,) = copies("old")
    as_llava(folder)
    with pytest.raises(CvitBenchError, match=r"adapter_model.bin: is a pickle, .* --allow-pickle"):
        write_run(asked(tmp_path))
    assert not (tmp_path / "run").exists()


class Trap:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_that_holds_more_than_tensors_is_not_read(copies, tmp_path, capsys):
    (folder,) = copies("trap")
    (folder / WEIGHTS).unlink()
    torch.save({"x": Trap()}, folder / "adapter_model.bin")
    with pytest.raises(CvitBenchError, match="holds more than tensors"):
        write_run(asked(tmp_path, allow_pickle=True))
    assert "run\n" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "base_model.model.model.layers.0.mlp.up_proj.lora_A.loraA.0.mlp.weight",
        "base_model.model.model.layers.0.mlp.up_proj.lora_A.experts.0.weight",
        "base_model.model.transformer.h.0.attn.lora_A.weight",
    ],
)
def test_what_has_no_place_in_the_base_is_refused_with_its_name(name):
    with pytest.raises(CvitBenchError, match=name):
        new_name(name)


def as_full(adapter_folder, target, pickled):
    """Write a whole model of weights and configuration alone, as trainers do."""
    base = load_base(embedded_base(), Placement()).model
    model = peft.PeftModel.from_pretrained(base, adapter_folder).merge_and_unload()
    model.save_pretrained(target)
    if pickled:
        state = load_file(target / "model.safetensors")
        (target / "model.safetensors").unlink()
        torch.save(state, target / "pytorch_model.bin")


@pytest.mark.slow
def test_mixed_checkpoints_are_evaluated_in_one_sequence(copies, adapter, tmp_path, capsys):
    as_llava(copies("1", "2")[0])
    as_full(adapter, tmp_path / "found" / "3", pickled=False)
    as_full(adapter, tmp_path / "found" / "4", pickled=True)
    torch.manual_seed(0)
    vera = peft.VeraConfig(r=2, target_modules=LAYERS, init_weights=False)
    peft.get_peft_model(load_base(embedded_base(), Placement()).model, vera).save_pretrained(
        tmp_path / "found" / "5"
    )
    write_run(asked(tmp_path, allow_pickle=True))
    assert [kind for _, kind, _ in stages(tmp_path)] == ["adapter", "adapter", "full", "full", "adapter"]
    evaluate_verb(tmp_path / "run", limit=4, device="cpu", dtype="float32")
    said = {}
    for path in sorted((tmp_path / "run" / "predictions").rglob("*.jsonl")):
        stage = path.relative_to(tmp_path / "run" / "predictions").parts[0][:2]
        said.setdefault(stage, []).extend(json.loads(line)["text"] for line in path.read_text().splitlines())
    assert said["01"] == said["02"] == said["03"] == said["04"]
    assert len({tuple(said[stage]) for stage in ("00", "01", "05")}) == 3


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (CONFIG, "[]", "expected keys and values, got list"),
        (CONFIG, "{", "not valid JSON"),
        (WEIGHTS, "", "cannot be read"),
    ],
)
def test_a_damaged_adapter_is_named(copies, tmp_path, file, text, said):
    (folder,) = copies("task1")
    (folder / file).write_text(text)
    with pytest.raises(CvitBenchError, match=f"{file}: {said}"):
        write_run(asked(tmp_path))
    assert not (tmp_path / "run").exists()
