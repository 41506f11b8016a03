"""`validate`: 0 where all is sound, 1 with every finding where it is not."""

import pytest

from cvit_bench.cli.validate import _chosen
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.load import yaml_line


def test_the_shipped_files_are_sound(call):
    out, err = call("validate")
    elsewhere, counted = out.splitlines()
    assert elsewhere.endswith(" splits of downloaded data were not looked at: --data-root names their folder")
    assert counted.endswith(" files checked, 0 findings")
    assert err == ""


def test_a_sound_folder_of_ones_own_is_sound(toy, inside):
    assert inside("validate", toy.root, "--data-root", toy.data) == ("9 files checked, 0 findings\n", "")


def test_every_finding_of_a_broken_folder_is_printed(toy, call):
    fruit = toy.edit("tasks/fruit.yaml", scorer="exakt")
    suite = toy.edit("tasks/suites/toy.yaml", unseen=["yesnoo"])
    variants = [{"id": "v0", "split": "train", "text": "{{ qestion }}"}]
    template = toy.edit("instruction_templates/count.yaml", variants=variants)
    (toy.data / "pick" / "test-0.png").write_bytes(b"")
    (toy.root / "tasks" / "yesno.yaml").write_text("name: yesno\n\ttitle: x\n")
    out, err = call("validate", toy.root, "--data-root", toy.data, code=1)
    *findings, last = out.splitlines()
    text = yaml_line(template, ("variants", 0, "text"))
    starts = [
        f"{template}:{text}: variants.0.text: unknown variable 'qestion'",
        f"{suite}:{yaml_line(suite, ('unseen',))}: unseen: unknown task 'yesnoo'",
        f"{fruit}:{yaml_line(fruit, ('scorer',))}: scorer: unknown scorer 'exakt'",
        f"{toy.root / 'tasks' / 'pick.yaml'}:12: splits.test: {toy.data / 'pick' / 'test.jsonl'}:1: id pick",
        f"{toy.root / 'tasks' / 'yesno.yaml'}:2: not valid yaml: ",
    ]
    assert [found.startswith(start) for found, start in zip(findings, starts, strict=True)] == [True] * 5, out
    assert (last, err) == ("9 files checked, 5 findings", "")


def test_recipes_of_ones_own_are_checked(toy, inside):
    folder = toy.root / "recipes"
    folder.mkdir()
    (folder / "mine.yaml").write_text("schema_version: 1\nname: mine\nbase: a/b\ntraining: {step: 3}\n")
    for place in (folder, folder / "mine.yaml"):
        out, err = inside("validate", place, code=1)
        assert f"{folder / 'mine.yaml'}:4: training.step: unknown key 'step'" in out
        assert out.endswith("1 file checked, 4 findings\n")
        assert err == ""


def files_of(*paths):
    _, chosen = _chosen(list(paths))
    return {path.name for kind in (chosen.templates, chosen.suites, chosen.tasks) for path in kind}


def test_a_file_alone_is_checked_alone(toy):
    assert files_of(toy.root / "tasks" / "fruit.yaml") == {"fruit.yaml"}
    assert files_of(toy.root / "tasks" / "suites" / "toy.yaml") == {"toy.yaml"}
    assert files_of(toy.root / "tasks" / "suites") == {"toy.yaml"}


def test_a_folder_is_checked_whole(toy):
    assert len(files_of(toy.root / "instruction_templates")) == 4
    assert len(files_of(toy.root / "tasks")) == 5


@pytest.mark.parametrize("place", ["data", "data/fruit/test.jsonl", "tasks/notes.txt", "base"])
def test_a_path_that_names_nothing_to_check_is_refused_even_beside_one_that_does(toy, place):
    (toy.root / "tasks" / "notes.txt").write_text("x")
    with pytest.raises(CvitBenchError) as caught:
        _chosen([toy.root / "tasks" / "fruit.yaml", toy.root / place])
    assert str(caught.value).startswith(
        f"{toy.root / place}: no task, suite, template or recipe (ROOT/tasks/*.yaml"
    )
