"""The questions of the base's pre-training: every answer is right in form, the suite's own are held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvit_bench.mini.pretrain_data import ASKED, SETS, ask, offered, worded
from cvit_bench.mini.pretrain_report import main
from cvit_bench.mini.pretrain_steps import PHASES, SHARES, SIZES
from cvit_bench.mini.pretrain_store import NAMES, Facts, Store
from cvit_bench.mini.recipes.pictures import Mark
from cvit_bench.records.form import AnswerForm, FormLimits, form_kept

LIMITS = {"sentence": FormLimits(min_words=3, ends_with="."), "option_letter": FormLimits(letters="ABCD")}
PICTURES = {
    "shapes": Facts("shapes", "circle", "red", "white", "shape", box=(8, 8, 24, 24)),
    "emoji": Facts("emoji", "owl", "", "blue", "animal", box=(0, 4, 40, 44)),
    "copies": Facts("emoji", "owl", "", "blue", "animal", 3),
    "pair": Facts("scene", "owl", "", "blue", "animal", 1, ("bus",), True, True),
    "scene": Facts("scene", "owl", "", "blue", "animal", 3, ("bus",)),
    "garments": Facts("garments", "boot"),
    "digits": Facts("digits", "7"),
    "printed": Facts("printed", "42", "red", "", "number"),
    "words": Facts("words", "", "", "green", "word", text="lamp"),
    "signs": Facts("signs", "owl", "", "blue", "animal", text="stop"),
    "maps": Facts("maps", "Italy", "teal", kind="country"),
    "blurred": Facts("blurred", "unanswerable"),
    "places": Facts("places", "farm", "", "red", "place"),
}
SUITE = {
    ("maps", "option_letter"),
    ("words", "short_answer", "text"),
    ("emoji", "sentence"),
    ("garments", "class_name"),
    ("scene", "short_answer"),
    ("shapes", "short_answer"),
    ("blurred", "short_answer"),
    ("signs", "sentence"),
    ("digits", "number"),
    ("places", "class_name"),
    ("scene", "box"),
}


@pytest.mark.parametrize("facts", PICTURES.values(), ids=PICTURES)
def test_every_answer_has_the_form_asked_for(facts: Facts) -> None:
    rng = np.random.default_rng(0)
    offers = offered(facts)
    assert offers
    for form, topic, _ in offers:
        for _ in range(20):
            question, answer = worded(form, topic, facts, rng)
            assert form_kept(AnswerForm(form), LIMITS.get(form, FormLimits()), answer), (question, answer)
            assert "{" not in question


def test_the_right_option_stands_behind_its_letter() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        question, answer = worded("option_letter", "background", PICTURES["emoji"], rng)
        assert f"{answer}. blue" in question or f"{answer}) blue" in question


def test_sides_are_told_rightly() -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        question, answer = worded("class_name", "beside", PICTURES["pair"], rng)
        assert answer == ("owl" if "left of the bus" in question else "bus")
        question, answer = worded("yes_no", "order", PICTURES["pair"], rng)
        truth = any(part in question for part in ("owl left of the bus", "owl stand left of the bus"))
        truth |= any(part in question for part in ("bus right of the owl", "bus stand right of the owl"))
        assert answer == ("yes" if truth else "no")


def test_a_report_without_its_sources_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sources", str(tmp_path), "--base", str(tmp_path / "base")]) == 2
    assert capsys.readouterr().err.startswith("source '")


def test_the_suites_own_combinations_are_held_out() -> None:
    asked = {(domain, form) for domain, offers in ASKED.items() for form, _, _ in offers}
    asked_topics = {(domain, *offer[:2]) for domain, offers in ASKED.items() for offer in offers}
    assert not (asked | asked_topics) & SUITE


def test_questions_without_a_picture_cannot_be_answered() -> None:
    rng = np.random.default_rng(3)
    said = [worded("yes_no", "presence", PICTURES["maps"], rng)[1] for _ in range(400)]
    assert 0.4 < said.count("yes") / len(said) < 0.6


def test_a_seed_gives_the_same_questions() -> None:
    one, two = (
        [ask(facts, rng) for facts in PICTURES.values()]
        for rng in (np.random.default_rng(4), np.random.default_rng(4))
    )
    assert one == two


def test_patches_are_labelled_by_what_covers_them() -> None:
    cover = Image.new("L", (64, 64))
    cover.paste(255, (8, 16, 24, 24))
    store = Store()
    store.add(Image.new("RGB", (64, 64)), [Mark("owl", cover)], PICTURES["emoji"])
    names = np.zeros((8, 8), int)
    names[2, 1:3] = NAMES.index("owl")
    assert (store.objects[0] == names).all()
    assert Mark("owl", cover).box == (8, 16, 24, 24)


def test_shares_and_domains_agree() -> None:
    assert list(SIZES) == list(ASKED)
    assert sum(SHARES) == pytest.approx(1)
    assert len(SHARES) == len(SIZES)
    assert all(len(set(answers)) == len(answers) for answers in SETS.values())


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_rate_warms_up_and_falls_to_its_floor(phase: object) -> None:
    rates = [phase.rate(step) for step in range(phase.steps)]  # type: ignore[attr-defined]
    assert max(rates) == pytest.approx(phase.peak)  # type: ignore[attr-defined]
    assert rates[-1] == pytest.approx(phase.floor, rel=0.05)  # type: ignore[attr-defined]
