"""`list` shows every kind, as a table or as JSON."""

import json

import pytest

from cvit_bench.cli.list import KINDS, list_names

EXPECTED = {
    "tasks": {"mini_geo", "mini_numbers"},
    "suites": {"mini"},
    "templates": {"option_letter", "sentence"},
    "methods": {"lora", "multitask", "zero_shot"},
    "recipes": {"cvit-paper", "cvit-released", "coin"},
    "scorers": {"exact", "option_letter", "cider"},
    "released_scorers": {"imagenet", "flickr30k", "scienceqa"},
    "metrics": {"ap", "bwt_t", "forgetting"},
    "readers": {"jsonl", "parquet"},
    "families": {"llava", "scripted"},
    "adapters": {"branchlora", "moelora", "smolora"},
    "hooks": {"ewc", "lwf", "replay"},
    "imports": {"matrix", "vlmevalkit"},
    "exports": {"csv", "latex", "lm_eval", "lora"},
}


def test_every_kind_is_tested():
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_as_json_with_a_description(kind, capsys):
    list_names(kind, json=True)
    rows = json.loads(capsys.readouterr().out)
    names = [row["name"] for row in rows]
    assert set(names) >= EXPECTED[kind]
    assert names == sorted(set(names))
    assert all(row["description"].strip() for row in rows)
    assert not any(name.startswith("_") for name in names)


def test_a_table_shows_the_same_names_as_json(call, inside):
    table, err = inside("list", "scorers")
    rows = json.loads(call("list", "scorers", "--json")[0])
    assert err == ""
    shown = [line.split()[0] for line in table.splitlines()[2:] if not line.startswith(" ")]
    assert shown == [row["name"] for row in rows]


def test_the_version_is_printed(inside):
    from cvit_bench import __version__

    assert inside("--version") == (f"{__version__}\n", "")
