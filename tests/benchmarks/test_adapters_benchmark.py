"""Every method equals its literal loop, the tables are whole, and what a pass makes is noticed."""

import pytest
import torch

from benchmarks import adapters
from benchmarks.adapter_cases import Setting, Shape, build, difference, tell
from benchmarks.adapter_loops import LOOPS
from benchmarks.adapter_made import Made, made_by
from benchmarks.adapters import BOTH, DECODE, FORWARD, judged

SMALL = Shape(width_in=24, width_out=40, rank=16, samples=4, positions=6)
CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(adapters.SHAPES, "tiny", SMALL)
    monkeypatch.setattr(adapters, "LONG_ENOUGH", 0.0)


def run(*arguments):
    return adapters.main(
        ["--shapes", "tiny", "--repeats", "1", "--threads", str(torch.get_num_threads()), *arguments]
    )


def cells(line):
    return [cell.strip() for cell in line.strip("| \n").split("|")]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("method", LOOPS)
def test_update_and_gradients_equal_the_loop(method, padded):
    torch.manual_seed(0)
    case = build(method, SMALL, Setting(CPU, torch.float32, 0.05, padded))
    assert difference(case) < 1e-5


@pytest.mark.parametrize("method", LOOPS)
def test_a_loop_with_other_weights_is_noticed(method):
    torch.manual_seed(0)
    case = build(method, SMALL, Setting(CPU, torch.float32, 0.0, False))
    with torch.no_grad():
        for weight in case.loop.ups:
            weight.add_(0.1)
    assert difference(case) > 1e-3


@pytest.mark.parametrize("method", LOOPS)
def test_decoding_keeps_equal_to_the_loop(method):
    torch.manual_seed(0)
    case = build(method, SMALL, Setting(CPU, torch.float32, 0.0, False))
    with torch.no_grad():
        for side in (case.fused, case.loop):
            case.forward(side.eval())
        tell(case, SMALL, 1, decoding=True)
        torch.testing.assert_close(case.forward(case.fused), case.forward(case.loop), atol=1e-5, rtol=1e-4)


def test_tables_have_a_row_for_each_method_and_pass(small, capsys, tmp_path):
    target = tmp_path / "report.md"
    assert run("--markdown", str(target)) == 0
    text = target.read_text(encoding="utf-8")
    assert text == capsys.readouterr().out
    times, made = (part.splitlines() for part in text.split("\n\n") if part.startswith("|"))
    assert cells(times[0]) == list(adapters.TIMES)
    assert cells(made[0]) == list(adapters.MADE)
    expected = [(method, what) for method in LOOPS for what in (FORWARD, BOTH, DECODE)]
    assert [tuple(cells(line)[2:4]) for line in times[2:]] == expected
    layers = ("first of a pass", "each further")
    assert [tuple(cells(line)[:3]) for line in made[2:]] == [
        (method, stream, layer) for method in LOOPS for stream in ("text", "vision") for layer in layers
    ]
    assert [cells(line)[-1] for line in made[2:]] == ["–", "pass"] * 2 * len(LOOPS)


@pytest.mark.parametrize("stream", ["text", "vision"])
@pytest.mark.parametrize("method", LOOPS)
def test_a_further_layer_prepares_nothing_that_an_earlier_one_or_prompt_could(method, stream):
    setting = Setting(CPU, torch.float32, 0.05, padded=stream == "text")
    first, further = made_by(method, SMALL, setting, stream)
    assert further.counts["built"] == further.counts["moved"] == further.counts["read back"] == 0
    assert further.counts["of weights alone"] <= (method == "branchlora" and stream == "text")
    assert first.counts["built"] == first.counts["moved"] == 0
    assert first.counts["read back"] <= (stream == "vision")


def test_bfloat16_runs_beside_float32(small, capsys):
    assert run("--dtypes", "float32", "bfloat16", "--methods", "smolora", "branchlora") == 0
    assert capsys.readouterr().out.count("bfloat16") == 6


@pytest.mark.parametrize("gap", [0.5, float("nan")])
def test_exit_status_tells_when_the_sides_differ(small, capsys, monkeypatch, gap):
    monkeypatch.setattr(adapters, "difference", lambda case: gap)
    assert run() == 1
    assert "away from the loop" in capsys.readouterr().err


def test_verdicts_follow_the_targets():
    times = {"base": 1.0, "loop": 9.0, "ours": 3.0, "LoRA": 2.0}
    assert judged(times, "1024", FORWARD)[4:] == [3.0, 4.0, 1.5, "loop / ours ≥ 3", "pass"]
    assert judged(times, "4096", FORWARD)[-1] == "miss"
    assert judged(times, "4096", BOTH)[-2:] == ["ours / LoRA ≤ 1.5", "pass"]
    assert judged({**times, "ours": 3.5}, "1024", BOTH)[-1] == "miss"
    assert judged({**times, "ours": 4.0}, "tiny", BOTH)[-1] == "pass"
    assert judged(times, "tiny", DECODE)[-2:] == ["", ""]
    assert judged({**times, "ours": 0.9}, "tiny", DECODE)[5] is None


def test_a_miss_counts_with_strict_only(small, capsys, monkeypatch):
    monkeypatch.setattr(adapters, "AT_MOST", {"tiny": 0.0})
    assert run("--methods", "moelora") == 0
    assert run("--methods", "moelora", "--strict") == 1
    assert "miss" in capsys.readouterr().out


def test_made_notices_each_kind():
    weight, x = torch.ones(2, 3), torch.ones(4, 3)
    with Made([weight]) as watch:
        torch.zeros(2)
        torch.tensor([1.0])
        torch.arange(3, device=x.device)
        torch.zeros_like(x)
        x.to("meta")
        x.sum().item()
        torch.cat([weight.t().contiguous(), weight.t()]) + x.sum()
    assert watch.counts == {
        "built": 3, "filled": 1, "moved": 1, "read back": 1, "of weights alone": 2
    }  # fmt: skip
    assert watch.elements == 6 + 12
