"""The GPU benchmark at tiny shapes on a processor: all figures are there, all ways answer alike."""

import json

import pytest
import torch

from benchmarks import replay_gpu
from benchmarks.replay_gpu_base import config_of, processor_of, prompts_of

SMALL = ("--device", "cpu", "--shapes", "tiny", "--pictures", "3", "--new-tokens", "4", "--batch-size", "4")


@pytest.mark.slow
def test_all_figures_are_there_and_all_ways_answer_alike(tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert replay_gpu.main([*SMALL, "--single", "2", "--work", str(tmp_path), "--json", str(out)]) == 0
    found, said = json.loads(out.read_text()), capsys.readouterr().out
    assert [row["wordings"] for row in found["rows"]] == [1, 5]
    for row in found["rows"]:
        assert row["prompts"] == 3 * 3 * row["wordings"]
        assert (row["differ from loop"], row["differ from single"]) == (0, 0)
        assert row["distinct answers"] > 2
        assert all(row[name] > 0 for name in ("ours", "loop", "single"))
        assert row["ours / single"] == pytest.approx(row["ours"] / row["single"])
    machine = found["machine"]
    assert all(machine[name] > 0 for name in ("matmul", "copy", "prefill", "peak"))
    assert len(machine["swaps"]) == 5
    assert set(found["met"]) == {
        "ours / single, wordings: 1", "ours / single, wordings: 5", "prefill", "swaps"}  # fmt: skip
    for name in ("prefill", "decoding", "swaps", "memory at most", "cpu: tiny shapes, 3 pictures"):
        assert name in said
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"], "what was built is gone"


def test_an_answer_that_differs_is_counted():
    ours = replay_gpu.Side(2.0, {("s", "a", "v0"): "red", ("s", "b", "v0"): "blue"})
    loop = replay_gpu.Side(4.0, {("s", "a", "v0"): "red", ("s", "b", "v0"): "grey"})
    row = replay_gpu._row(1, ours, loop, replay_gpu.Side(4.0, {("s", "a", "v0"): "green"}))
    assert (row["ours"], row["ours / loop"], row["ours / single"]) == (1.0, 2.0, 4.0)
    assert (row["differ from loop"], row["differ from single"]) == (1, 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_without_a_gpu_seven_billion_weights_are_refused_with_one_message(device, capsys, tmp_path):
    assert replay_gpu.main(["--device", device, "--work", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "GPU" in err
    assert list(tmp_path.iterdir()) == []


def test_the_large_shapes_are_those_of_llava():
    config = config_of("7b")
    processor = processor_of(config)
    assert processor.image_token_id == config.image_token_index
    assert len(processor.tokenizer) == config.text_config.vocab_size
    (prompt,) = prompts_of(1, 1, 4, 336)
    text = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt.text}]}]
    )
    from cvit_bench.models.inputs import prompt_batch

    ids = prompt_batch(processor, [prompt])["input_ids"][0]
    assert int((ids == config.image_token_index).sum()) == config.image_seq_length == 576
    assert text.count("<image>") == 1
