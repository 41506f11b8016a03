"""Bad input and bad use: exit status 2, no trace, one message that names what is wrong, known and meant."""

import json

import pytest

WRONG = [
    (
        "train --method lorra",
        "unknown method 'lorra' (known: branchlora, ",
    ),
    (
        "train --method lora --suite minni",
        "unknown suite 'minni' (known: coin, coin-10type, coin-diverse, cvit, cvit-multi, mini, mini-coin, "
        "mini-multi, ucit). Did you mean 'mini'?",
    ),
    ("train --method lora --suite none.yaml", "none.yaml: no such suite file"),
    ("train --method none.yaml", "none.yaml: no such file"),
    ("train --method zero_shot --run-dir a&b", "--run-dir a&b: the folder's name is the run's: 'a&b': "),
    ("train --method lora --set training.step=3", "--set training: step: unknown key 'step' (known: "),
    ("train --method lora --set training.steps=x", "--set training: steps: Input should be a valid integer"),
    ("train --method lora --set steps=3", "--set steps=3: expected section.key=value"),
    ("train --method zero_shot --set adapter.rank=3", "--set adapter.…: method 'zero_shot' has no adapter"),
    ("train --method zero_shot --holdout 1", "--holdout 1.0: expected a share from 0 to below 1"),
    ("train --method zero_shot --stages 7", "--stages 7: suite 'mini' has 6 train tasks"),
    ("list task", "unknown kind 'task' (known: adapters, exports, "),
    ("evaluate --run-dir x --variants 0", "--variants 0: expected a number from 1 on, or all"),
    ("evaluate --run-dir x --variants ²", "--variants ²: expected a number from 1 on, or all"),
    ("evaluate --run-dir x --variants some", "--variants some: expected a number from 1 on, or all"),
    ("evaluate --run-dir x --batch-size two", "--batch-size two: expected a number from 1 on, or auto"),
    ("evaluate --run-dir x --variants " + 5000 * "9", "--variants " + 5000 * "9" + ": expected a number"),
    ("evaluate --run-dir " + 300 * "x", 300 * "x" + "/manifest.json: cannot be read (File name too long)"),
    (
        "train --method lora --set adapter.rank=1e9",
        "--set adapter: rank: Input should be less than or equal to",
    ),
    ("init run  --base embedded:mini --suite mini --run-dir new", "'': no pattern of folder names"),
    ("init run **x --base embedded:mini --suite mini --run-dir new", "'**x': no pattern of folder names"),
    (
        "train --method smolora --set adapter.num_experts=7",
        "--set adapter: num_experts: 7 must divide the rank 32\n",
    ),
    ("evaluate --run-dir x --ray-address y:1", "--ray-address y:1: only used with --executor ray"),
    ("evaluate --run-dir x --design-seed 0", "--design-seed 0: only used with --per-sample"),
    ("evaluate --run-dir gone", "gone/manifest.json: no such file"),
    ("score --run-dir gone", "gone/predictions/plan.json: no such file"),
    ("report --run-dir gone", "gone/results.json: no such file"),
    ("validate gone.yaml", "gone.yaml: no such file or folder"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=[words for words, _ in WRONG])
def test_a_wrong_word_is_named(inside, words, said):
    out, err = inside(*words.split(" "), code=2)
    assert out == ""
    assert err.startswith(f"cvit-bench: {said}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("words", "said"), [WRONG[0], WRONG[5], WRONG[10]], ids=lambda word: word[:12])
def test_a_process_that_refuses_says_so_on_stderr_alone(call, words, said):
    out, err = call(*words.split(" "), code=2)
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err


@pytest.mark.parametrize(
    "words",
    [
        "evaluate",
        "list",
        "evaluate --run-dir x --cells some",
        "evaluat",
        "list tasks --jso",
    ],
)
def test_words_that_are_no_command_are_refused(inside, words):
    out, err = inside(*words.split(" "), code=2)
    assert out == ""
    assert "Usage: " in err


def edit_manifest(toy, **changes):
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def stages_of(toy):
    return json.loads((toy.run_dir / "manifest.json").read_text())["stages"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suite": "toys"}, "manifest.json: suite: unknown suite 'toys' (known: "),
        ({"base": {"path": 300 * "x"}}, "manifest.json: base.path: too long to be a path"),
        ({"base": {"path": ""}}, "manifest.json: base.path: expected the path of a folder or"),
    ],
    ids=["suite", "long", "empty"],
)
def test_what_a_manifest_names_is_named_with_it(toy, inside, on_toy, changes, said):
    edit_manifest(toy, **changes)
    _, err = inside("evaluate", *on_toy, code=2)
    assert err.startswith(f"cvit-bench: {toy.run_dir}/{said}")


def test_a_manifest_of_another_schema_version_is_refused(toy, inside, on_toy):
    path = edit_manifest(toy, schema_version=2, what_comes="later")
    _, err = inside("evaluate", *on_toy, code=2)
    assert f"{path}: schema_version: this is a file of version 2; " in err
    assert "what_comes" not in err


def test_every_checkpoint_that_is_missing_is_named(toy, inside, on_toy):
    stages = stages_of(toy)
    stages[0]["checkpoint"], stages[2]["checkpoint"] = "gone", "/gone/too"
    path = edit_manifest(toy, stages=stages)
    _, err = inside("evaluate", *on_toy, code=2)
    assert err.splitlines() == [
        f"cvit-bench: {path}: stages.0.checkpoint: {toy.run_dir / 'gone'}: no such folder",
        f"{path}: stages.2.checkpoint: /gone/too: no such folder",
    ]
    assert not (toy.run_dir / "predictions").exists()


def test_a_checkpoint_may_be_the_run_directory_itself(toy, inside, on_toy):
    stages = stages_of(toy)
    stages[0]["checkpoint"] = "."
    edit_manifest(toy, stages=stages)
    _, err = inside("evaluate", *on_toy, code=2)
    assert err.startswith(f"cvit-bench: {toy.run_dir}: no adapter_config.json")


def test_validation_samples_of_a_run_that_held_none_out_are_refused(toy, inside, on_toy):
    out, err = inside("evaluate", *on_toy, "--split", "val", code=2)
    said = (
        f"cvit-bench: {toy.run_dir}/manifest.json: config.holdout: the run was trained on every train sample"
    )
    assert (out, err.startswith(said), len(err.splitlines())) == ("", True, 1)
    _, err = inside("score", *on_toy, "--split", "val", code=2)
    assert "predictions-val/plan.json: no such file" in err


def test_all_faults_of_a_manifest_come_at_once(toy, inside, on_toy):
    stages = stages_of(toy)
    stages[0]["name"], stages[1]["kind"] = "../01", "adaptor"
    edit_manifest(toy, stages=stages, methd="lora")
    _, err = inside("evaluate", *on_toy, code=2)
    for said in ("stages.0.name: ", "stages.1.kind: ", "Did you mean 'method'?"):
        assert said in err


def test_a_base_that_is_neither_here_nor_at_the_hub_is_refused(toy, call, on_toy):
    edit_manifest(toy, base={"path": "nobody-at-all/no-such-model"})
    _, err = call("evaluate", *on_toy, code=2)
    assert "base.path: nobody-at-all/no-such-model: no such folder, and not to be had from the hub" in err


def test_data_that_is_elsewhere_is_named_with_the_option_that_says_where(toy, inside):
    _, err = inside("evaluate", "--run-dir", toy.run_dir, code=2)
    assert "fruit/test.jsonl: no such file (task 'fruit', test split; --data-root names the folder)" in err


@pytest.mark.parametrize(
    "words", ["report --run-dir {0}", "leaderboard --add {0}", "compare {0} {0}"], ids=lambda text: text[:7]
)
def test_a_run_that_was_not_evaluated_yet_says_what_is_to_be_done(inside, toy, words):
    _, err = inside(*words.format(toy.run_dir).split(), code=2)
    assert f"results.json: no such file; cvit-bench evaluate --run-dir {toy.run_dir}" in err
