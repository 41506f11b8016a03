"""Names become files: a folder of one's own before the shipped ones, a suite also by its path."""

import shutil

import pytest

from cvit_bench.data.library import open_library, open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.resources import shipped_folder


def test_the_shipped_files_are_found_by_name():
    library, suite = open_suite("mini")
    assert suite.name == "mini"
    assert library.suites["mini"] == shipped_folder("tasks") / "suites" / "mini.yaml"
    assert set(suite.tasks) <= set(library.tasks)
    assert "option_letter" in library.templates


def test_a_folder_of_ones_own_adds_to_the_shipped_ones(toy):
    library = open_library(toy.root)
    assert {"fruit", "mini_geo"} <= set(library.tasks)
    assert {"toy", "mini"} <= set(library.suites)
    assert {"fruit", "option_letter"} <= set(library.templates)
    assert library.task("fruit").title == "Fruit"


def test_a_folder_of_ones_own_comes_before_the_shipped_ones(toy):
    own = toy.root / "tasks" / "mini_geo.yaml"
    shutil.copy(shipped_folder("tasks") / "mini_geo.yaml", own)
    toy.edit("tasks/mini_geo.yaml", title="Mine")
    assert open_library(toy.root).task("mini_geo").title == "Mine"
    assert open_library().task("mini_geo").title == "Geo"


def test_of_two_own_folders_the_first_wins(toy, tmp_path):
    shutil.copytree(toy.root / "tasks", tmp_path / "other" / "tasks")
    toy.edit("tasks/fruit.yaml", title="First")
    assert open_library(toy.root, tmp_path / "other").task("fruit").title == "First"
    assert open_library(tmp_path / "other", toy.root).task("fruit").title == "Fruit"


def test_a_folder_without_any_files_changes_nothing(tmp_path):
    assert open_library(tmp_path) == open_library()


@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        ("task", "mini_goe", "mini_geo"),
        ("suite", "minni", "mini"),
        ("template", "sentense", "sentence"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(kind, name, meant):
    with pytest.raises(CvitBenchError) as caught:
        getattr(open_library(), kind)(name)
    assert str(caught.value).startswith(f"unknown {kind} {name!r} (known: ")
    assert str(caught.value).endswith(f"Did you mean {meant!r}?")


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("task", "tasks/fruit.yaml"),
        ("template", "instruction_templates/fruit.yaml"),
        ("suite", "tasks/suites/toy.yaml"),
    ],
)
def test_the_name_in_a_file_is_the_name_of_the_file(toy, kind, file):
    path = toy.edit(file, name="other")
    with pytest.raises(CvitBenchError) as caught:
        getattr(open_library(toy.root), kind)(path.stem)
    assert str(caught.value) == f"{path}:2: name: must be the file's name {path.stem!r} (got 'other')"


def test_a_suite_is_opened_by_path_with_the_files_beside_it(toy):
    library, suite = open_suite(toy.suite)
    assert suite.train == ("fruit", "pick", "count")
    assert library.task("pick").template == "pick"


def test_a_suite_is_opened_by_a_relative_path(toy, monkeypatch):
    monkeypatch.chdir(toy.root / "tasks")
    library, suite = open_suite("suites/toy.yaml")
    assert (suite.name, library.task("pick").name) == ("toy", "pick")


def test_a_suite_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(CvitBenchError, match="no such suite file"):
        open_suite(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("place", ["mini.yaml", "suites/mini.yaml", "a/b/c/mini.yaml"])
def test_a_suite_file_elsewhere_is_refused_rather_than_the_shipped_one_taken(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(shipped_folder("tasks") / "suites" / "mini.yaml", path)
    with pytest.raises(CvitBenchError, match=r"must lie at ROOT/tasks/suites/NAME\.yaml"):
        open_suite(str(path))
