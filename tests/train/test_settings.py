"""Defaults, the suite's budget, the method's settings and overrides become one record."""

import pytest

from cvit_bench.data.library import open_suite
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.method import load_method
from cvit_bench.train.settings import TrainSettings, changing_weights, parse_overrides, resolve


def resolved(*overrides, method="lora", **more):
    return resolve(load_method(method), open_suite("mini")[1], overrides, **more)


def complaint(*overrides, method="lora"):
    with pytest.raises(CvitBenchError) as caught:
        resolved(*overrides, method=method)
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("adapter.rank=64", 64),
        ("adapter.alpha=0.5", 0.5),
        ("adapter.alpha=1e-3", 0.001),
        ("adapter.alpha=2E2", 200.0),
        ("training.schedule=cosine", "cosine"),
        ("training.steps=null", None),
        ("training.note=a=b", "a=b"),
        ("training.note=[", "["),
        ("training.note=*x", "*x"),
        ("training.note=2024-13-45", "2024-13-45"),
    ],
)
def test_an_override_is_read_as_a_scalar(word, value):
    section, _, rest = word.partition(".")
    found = parse_overrides([word])[section][rest.partition("=")[0]]
    assert (found, type(found)) == (value, type(value))


def test_overrides_of_several_sections_are_kept_apart_and_the_last_one_wins():
    words = ["adapter.rank=4", "training.steps=3", "adapter.alpha=8", "adapter.rank=5"]
    assert parse_overrides(words) == {"adapter": {"rank": 5, "alpha": 8}, "training": {"steps": 3}}


def test_no_override_is_no_section():
    assert parse_overrides([]) == {}


@pytest.mark.parametrize("word", ["", "rank", "rank=3", "adapter.rank", "adapter.=3", "adapter=3", "=3"])
def test_a_word_that_is_no_override_is_refused(word):
    with pytest.raises(CvitBenchError) as caught:
        parse_overrides([word])
    assert (
        str(caught.value) == f"--set {word}: expected section.key=value (sections: adapter, training, hooks)"
    )


def test_an_unknown_section_gets_a_suggestion():
    assert complaint("adaptor.rank=3") == (
        "--set adaptor.rank=3: unknown section 'adaptor' (known: adapter, hooks, training). "
        "Did you mean 'adapter'?"
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("training.step=3", "--set training: step: unknown key 'step' (known: "),
        ("adapter.rang=3", "--set adapter: rang: unknown key 'rang' (known: "),
    ],
)
def test_an_unknown_key_gets_a_suggestion(word, said):
    assert complaint(word).startswith(said)
    assert complaint(word).endswith("Did you mean 'steps'?" if "step" in word else "Did you mean 'rank'?")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("training.steps=0", "training: steps: Input should be greater than or equal to 1 (got 0)"),
        ("training.steps=many", "training: steps: Input should be a valid integer"),
        ("training.steps=1.5", "training: steps: Input should be a valid integer"),
        ("training.learning_rate=1e400", "training: learning_rate: "),
        ("training.learning_rate=.nan", "training: learning_rate: "),
        (
            "training.schedule=linear",
            "training: schedule: Input should be 'cosine' or 'constant' (got 'linear')",
        ),
        ("adapter.rank=-4", "adapter: rank: "),
        ("adapter.dropout=1", "adapter: dropout: "),
        ("adapter.rank=", "adapter: rank: "),
    ],
)
def test_a_bad_value_is_named_with_its_key(word, said):
    assert complaint(word).startswith(f"--set {said}")


def test_all_bad_values_of_a_section_come_at_once():
    assert len(complaint("training.steps=0", "training.clip=-1", "training.epochs=x").splitlines()) == 3


def test_an_adapter_setting_of_a_method_without_adapter_is_refused():
    assert complaint("adapter.rank=3", method="zero_shot") == (
        "--set adapter.…: method 'zero_shot' has no adapter"
    )


def test_the_suites_budget_holds_where_nothing_is_overridden():
    suite = open_suite("mini")[1]
    assert resolved().training == suite.training
    changed = resolved("training.learning_rate=1e-3").training
    assert changed.learning_rate == 0.001
    assert changed.steps == suite.training.steps


def test_overrides_win_over_the_method_the_method_over_the_suite_and_the_suite_over_defaults():
    suite = open_suite("mini")[1].model_copy(update={"adapter": {"rank": 6, "dropout": 0.25}})
    method = load_method("lora").model_copy(update={"adapter_config": {"rank": 7, "alpha": 3.0}})
    found = resolve(method, suite, ["adapter.alpha=5"]).adapter_config
    assert (found["rank"], found["alpha"], found["dropout"], found["sites"]) == (7, 5.0, 0.25, "all")


def test_a_method_without_adapter_has_no_adapter_settings():
    settings = resolved("training.steps=3", method="zero_shot")
    assert (settings.adapter, settings.adapter_config, settings.training.steps) == (None, {}, 3)


def test_settings_that_differ_have_different_hashes_and_equal_ones_the_same():
    plain = resolved()
    assert resolved().sha256 == plain.sha256
    assert resolved(f"training.steps={plain.training.steps}").sha256 == plain.sha256
    others = [resolved("training.steps=81"), resolved("adapter.rank=8"), resolved(seed=1), resolved(limit=4)]
    others.append(resolved(method="multitask"))
    assert len({plain.sha256, *(settings.sha256 for settings in others)}) == 6


def test_settings_are_read_as_they_are_written():
    plain = resolved(method="zero_shot")
    assert TrainSettings.model_validate(plain.model_dump(mode="json")) == plain


def test_a_part_of_a_suite_is_another_run():
    suite = open_suite("mini")[1]
    plain = resolved()
    parts = [plain.on_part(suite, 0.2), plain.on_part(suite, stages=2), plain.on_part(suite, 0.2, 2)]
    assert len({plain.sha256, *(part.sha256 for part in parts)}) == 4
    assert parts[2].model_dump(mode="json") == {**plain.model_dump(mode="json"), "holdout": 0.2, "stages": 2}
    assert TrainSettings.model_validate(parts[2].model_dump()) == parts[2]


def test_all_stages_are_the_whole_suite():
    suite = open_suite("mini")[1]
    assert resolved().on_part(suite, stages=len(suite.train)) == resolved()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"holdout": 1.0}, "--holdout 1.0: expected a share from 0 to below 1"),
        ({"holdout": -0.1}, "--holdout -0.1: expected a share from 0 to below 1"),
        ({"holdout": float("nan")}, "--holdout nan: expected a share from 0 to below 1"),
        ({"stages": 0}, "--stages 0: suite 'mini' has 6 train tasks"),
        ({"stages": 7}, "--stages 7: suite 'mini' has 6 train tasks"),
    ],
)
def test_a_part_that_the_suite_does_not_have_is_refused(part, said):
    with pytest.raises(CvitBenchError) as caught:
        resolved().on_part(open_suite("mini")[1], **part)
    assert str(caught.value) == said


def test_how_often_a_stage_is_saved_makes_no_other_run():
    suite = open_suite("mini")[1]
    settings = [resolve(load_method("lora"), suite, [word] if word else [])
                for word in ("", "training.save_steps=7", "training.steps=7")]  # fmt: skip
    assert settings[0].sha256 == settings[1].sha256 != settings[2].sha256


@pytest.mark.parametrize("written", [{}, {"training": None}, {"training": 3}, {"seed": 1}])
def test_settings_of_others_stay_as_they_are(written):
    assert changing_weights(written) == written
