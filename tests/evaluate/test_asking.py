"""Answers and rankings are asked for together or apart, and what fails costs no more than it must."""

import json
from dataclasses import replace

import pytest

from cvit_bench.data.candidates import candidates_sha256
from cvit_bench.data.images import blank_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.asking import Ask, ranked, replies
from cvit_bench.evaluate.batch_size import BatchSize
from cvit_bench.evaluate.cells import CellWork, cut_batches
from cvit_bench.evaluate.pacing import Pacer
from cvit_bench.evaluate.remote_model import RemoteModel
from cvit_bench.evaluate.sequence import EvaluateOptions, outstanding, prepare, ranks, replay_stage
from cvit_bench.evaluate.worker import Worker
from cvit_bench.models.families.scripted import Script, ScriptedModel
from cvit_bench.models.family import OutOfMemoryError
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.files import sha256_json
from cvit_bench.records.sample import Prompt

COLOURS = (("red", "rot"), ("blue",), ("green",))
PROMPTS = [Prompt(str(at), "hues", "v0", "Which?", None, 4) for at in range(7)]
ASKS = [
    Ask(one, COLOURS, candidates_sha256(COLOURS), sha256_json(one.sample_id))
    if one.sample_id != "3"
    else None
    for one in PROMPTS
]


class Tight(ScriptedModel):
    """Runs out of memory on batches that are larger than one of its limits: together, answering, ranking."""

    def __init__(self, together=9, answering=9, ranking=9, **script):
        answers = {f"hues/{at}": colour for at, (colour, *_) in enumerate(COLOURS)}
        super().__init__(Script(answers=answers, default="grey", **script))
        self.limits = {"answer_and_rank": together, "generate": answering, "rank": ranking}
        self.done = []

    def _take(self, name, prompts):
        if len(prompts) > self.limits[name]:
            raise OutOfMemoryError("too many")
        self.done.append((name, len(prompts)))

    def generate(self, prompts):
        self._take("generate", prompts)
        return super().generate(prompts)

    def rank(self, prompts, answers):
        self._take("rank", prompts)
        return super().rank(prompts, answers)

    def answer_and_rank(self, prompts, answers):
        self._take("answer_and_rank", prompts)
        found = ScriptedModel.rank(self, prompts, answers)
        return list(zip(ScriptedModel.generate(self, prompts), found, strict=True))


class Unranked(Tight):
    """Cannot rank at all."""

    def rank(self, prompts, answers):
        raise CvitBenchError("answers cannot be ranked here")

    def answer_and_rank(self, prompts, answers):
        raise CvitBenchError("answers cannot be ranked here")


def test_one_reading_gives_both():
    model = Tight()
    found = replies(model, PROMPTS, ASKS)
    assert model.done == [("answer_and_rank", 7)]
    assert [one.text for one in found] == ["red", "blue", "green", *["grey"] * 4]
    apart = Tight()
    rankings = ranked(apart, [ask for ask in ASKS if ask is not None])
    assert [one.ranking for one in found if one.ranking is not None] == rankings
    assert found[3].ranking is None


@pytest.mark.parametrize(
    ("limits", "done"),
    [
        ({"together": 2}, ["answer_and_rank"] * 4),
        ({"together": 0, "answering": 1}, ["generate", "rank"] * 3 + ["generate"] + ["generate", "rank"] * 3),
    ],
    ids=["halved", "apart"],
)
def test_without_memory_batches_are_halved_and_at_last_asked_apart(limits, done):
    model = Tight(**limits)
    assert replies(model, PROMPTS, ASKS) == replies(Tight(), PROMPTS, ASKS)
    assert [name for name, _ in model.done] == done


def test_what_cannot_be_ranked_is_answered_in_whole_batches():
    model = Unranked()
    found = replies(model, PROMPTS, ASKS)
    assert [one.text for one in found] == ["red", "blue", "green", *["grey"] * 4]
    assert [str(one.ranking) for one in found if one.ranking] == ["answers cannot be ranked here"] * 6
    assert model.done == [("generate", 7)]


def test_a_broken_prompt_costs_only_itself():
    found = replies(Tight(fails=("hues/1",)), PROMPTS, ASKS)
    assert [at for at, one in enumerate(found) if isinstance(one.text, Exception)] == [1]
    assert [at for at, one in enumerate(found) if one.ranking is None] == [1, 3]


class Listening(Worker):
    """A worker that takes down what it is asked: the method, and on which samples of which task."""

    def __init__(self, base, placement):
        super().__init__(base, placement)
        assert self.open() is None
        self.heard = []

    def ask(self, checkpoint, name, given):
        if name in ("generate", "rank", "answer_and_rank"):
            prompts = given[0]
            is_blank = prompts[0].picture.sha256 == blank_picture().sha256
            self.heard.append(("blank " if is_blank else "") + f"{name} {prompts[0].task} {len(prompts)}")
        return super().ask(checkpoint, name, given)


def replayed(toy, **changes):
    """Do what the last stage of the toy run lacks; return what its model was asked, and complaints."""
    options = EvaluateOptions(data_root=toy.data, **changes)
    inputs, base, stages, plan = prepare(toy.run_dir, options)
    worker = Listening(base, options.placement)
    failures, pacer = [], Pacer(toy.run_dir, SplitChoice.TEST, {})
    for work in outstanding(inputs, stages[-1:], plan, "float32", ranks(base, options)):
        failures += replay_stage(work, RemoteModel(worker), BatchSize(options.batch_size), pacer)
    return worker.heard, failures


def lines(toy, task="fruit"):
    path = toy.run_dir / "predictions" / "03-count" / task / "v0.jsonl"
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def rewrite(toy, change):
    """Change every line of a cell."""
    path, rows = lines(toy)
    path.write_text("".join(json.dumps(change(row)) + "\n" for row in rows))


CLOSED = ("fruit", "pick", "yesno")


def test_a_fresh_cell_is_read_once_whatever_is_wanted_of_it(toy):
    heard, failures = replayed(toy)
    assert failures == []
    cells = [f"answer_and_rank {task} 4" if task in CLOSED else f"generate {task} 4"
             for task in ("fruit", "pick", "count", "yesno")]  # fmt: skip
    assert heard == cells + [f"blank rank {task} 4" for task in CLOSED]
    assert replayed(toy) == ([], [])


def test_without_rankings_nothing_is_ranked_and_later_nothing_answered(toy):
    heard, _ = replayed(toy, ranking=False)
    assert heard == [f"generate {task} 4" for task in ("fruit", "pick", "count", "yesno")]
    before = lines(toy)[1]
    heard, _ = replayed(toy)
    assert heard == [f"{blank}rank {task} 4" for blank in ("", "blank ") for task in CLOSED]
    after = lines(toy)[1]
    assert [{**row, "ranking": None} for row in after] == before
    assert all(row["ranking"] for row in after)


def test_a_stale_answer_is_made_again_without_its_ranking(toy):
    replayed(toy)
    whole = lines(toy)[1]
    rewrite(toy, lambda row: {**row, "key": "0" * 64, "text": "of other weights"})
    heard, _ = replayed(toy)
    assert heard == ["generate fruit 4"]
    assert lines(toy)[1] == whole


def test_samples_with_as_many_answers_share_batches(tmp_path):
    """Texts alternate between two lengths and sets between two sizes; batches of two cut neither apart."""
    prompts = [replace(one, text="Which?" * (1 + at // 4)) for at, one in enumerate(PROMPTS + PROMPTS[:1])]
    prompts = [replace(one, sample_id=str(at)) for at, one in enumerate(prompts)]
    sets = [COLOURS, COLOURS[:1]]
    asks = [Ask(one, sets[at % 2], "0" * 64, "0" * 64) for at, one in enumerate(prompts)]
    work = CellWork(tmp_path / "v0.jsonl", prompts, ["0" * 64] * 8, asks)
    batches = [[row.prompt.sample_id for row in batch] for batch in cut_batches([work], BatchSize(2))]
    assert batches == [["1", "3"], ["5", "7"], ["0", "2"], ["4", "6"]]
