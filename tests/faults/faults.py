"""Kinds of faults, each with how it is provoked and what must come of it.

A fault is provoked on the toy run, evaluated before. Then a command is called: its exit status and what it
says are part of the kind. After the file is put right (where it is the user's) the next `evaluate` must end
with the results that the run had before, to the byte.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

EVALUATE, SCORE, REPORT, VALIDATE = ("evaluate",), ("score",), ("report",), ("validate",)
Harm = Callable[[Any], None]


@dataclass(frozen=True)
class Fault:
    """One kind.

    Attributes:
        kind: what is wrong, in words.
        harm: provokes it on a toy run.
        words: the command that meets it.
        code: its exit status.
        says: what it says, in part; nothing where it goes on as if nothing had been.
        mended: whether the user must put the file right; else the run mends itself.
    """

    kind: str
    harm: Harm
    words: tuple[str, ...] = EVALUATE
    code: int = 2
    says: str = ""
    mended: bool = True


def manifest(toy: Any) -> Path:
    return toy.run_dir / "manifest.json"


def lines(toy: Any, stage: str = "01-fruit", task: str = "fruit") -> Path:
    """Return a file of predictions."""
    return toy.run_dir / "predictions" / stage / task / "v0.jsonl"


def plan(toy: Any) -> Path:
    return toy.run_dir / "predictions" / "plan.json"


def results(toy: Any) -> Path:
    return toy.run_dir / "results.json"


def scores(toy: Any) -> Path:
    return toy.run_dir / "scores" / "01-fruit" / "fruit.parquet"


def task(toy: Any) -> Path:
    return toy.root / "tasks" / "fruit.yaml"


def template(toy: Any) -> Path:
    return toy.root / "instruction_templates" / "fruit.yaml"


def data(toy: Any) -> Path:
    return toy.data / "fruit" / "test.jsonl"


def picture(toy: Any) -> Path:
    return toy.data / "fruit" / "test-0.png"


def cut(of: Callable[[Any], Path], share: float = 0.5) -> Harm:
    """Cut a file at a share of its length."""

    def harm(toy: Any) -> None:
        path = of(toy)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return harm


def cut_after_line(of: Callable[[Any], Path], num: int) -> Harm:
    """Keep the first lines of a file."""

    def harm(toy: Any) -> None:
        path = of(toy)
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:num]))

    return harm


def flip(of: Callable[[Any], Path], find: bytes) -> Harm:
    """Flip one bit of the first byte of what is found in a file."""

    def harm(toy: Any) -> None:
        path = of(toy)
        content = bytearray(path.read_bytes())
        at = content.index(find)
        content[at] ^= 0x02
        path.write_bytes(bytes(content))

    return harm


def put(of: Callable[[Any], Path], content: bytes) -> Harm:
    """Write other bytes in place of a file."""
    return lambda toy: of(toy).write_bytes(content) and None


def replace(of: Callable[[Any], Path], old: str, new: str) -> Harm:
    """Replace a text in a file."""

    def harm(toy: Any) -> None:
        content = of(toy).read_text(encoding="utf-8")
        assert old in content, content
        of(toy).write_text(content.replace(old, new), encoding="utf-8")

    return harm


def remove(of: Callable[[Any], Path]) -> Harm:
    return lambda toy: of(toy).unlink()


def edit_json(of: Callable[[Any], Path], **changes: Any) -> Harm:
    """Change keys of a json file."""

    def harm(toy: Any) -> None:
        path = of(toy)
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return harm


def in_template(text: str) -> Harm:
    """Put a text where the first wording has its own."""
    return replace(template, "'{{ question }}\n\n    Answer shortly.'", json.dumps(text))


def as_picture(mode: str, kind: str = "PNG", size: tuple[int, int] = (8, 8), **settings: Any) -> Harm:
    """Put a picture of another mode or format in place."""

    def harm(toy: Any) -> None:
        stream = io.BytesIO()
        frame = Image.new(mode, size)
        frame.save(stream, kind, **settings)
        picture(toy).write_bytes(stream.getvalue())

    return harm


def animated(toy: Any) -> None:
    stream = io.BytesIO()
    frames = [Image.new("P", (8, 8), colour) for colour in (1, 2)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    picture(toy).write_bytes(stream.getvalue())


def bomb(toy: Any) -> None:
    """Write a PNG of a few hundred bytes that says it is 60,000 pixels a side."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + checksum

    size = (60_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + b"\x08\x00\x00\x00\x00")
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    picture(toy).write_bytes(b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b""))


def bomb_of_anchors(toy: Any) -> None:
    """Write a yaml whose anchors unfold to a billion items."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 10)]
    task(toy).write_text("\n".join(rows) + "\n")


def outside_link(toy: Any) -> None:
    """Have a picture of the data be a link to a file elsewhere."""
    secret = toy.root.parent / "secret.png"
    secret.write_bytes(picture(toy).read_bytes())
    picture(toy).unlink()
    picture(toy).symlink_to(secret)


def newer(toy: Any) -> None:
    """Set the clock back: everything there comes from the future."""
    for path in toy.root.rglob("*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))


def in_the_way(toy: Any) -> None:
    """Have a file where a folder must be made."""
    import shutil

    shutil.rmtree(toy.run_dir / "predictions")
    (toy.run_dir / "predictions").write_text("in the way")


def with_mark(toy: Any) -> None:
    """Begin the manifest with a byte-order mark."""
    manifest(toy).write_bytes(b"\xef\xbb\xbf" + manifest(toy).read_bytes())


def of_another_stage(toy: Any) -> None:
    """Put the answers of a later stage in the place of an earlier one's."""
    lines(toy).write_bytes(lines(toy, "03-count").read_bytes())


def twice(toy: Any) -> None:
    """Have every prediction of a file stand there twice."""
    lines(toy).write_bytes(2 * lines(toy).read_bytes())


def with_ids(*names: str | int) -> Harm:
    """Give the first samples other ids."""

    def harm(toy: Any) -> None:
        rows = [json.loads(line) for line in data(toy).read_text().splitlines()]
        for row, name in zip(rows, names, strict=False):
            row["id"] = name
        data(toy).write_text("".join(json.dumps(row) + "\n" for row in rows))

    return harm


def of_one_task(toy: Any) -> None:
    """Leave one task in the suite and one stage in the run."""
    suite = Path(toy.suite)
    toy.edit(str(suite.relative_to(toy.root)), train=["fruit"], unseen=[])
    stages = json.loads(manifest(toy).read_text())["stages"][:1]
    edit_json(manifest, stages=stages)(toy)


def of_one_sample(toy: Any) -> None:
    """Leave one task, and one sample of it."""
    of_one_task(toy)
    cut_after_line(data, 1)(toy)


def seen(kind: str, harm: Harm, says: str = "") -> Fault:
    """Return a fault in data that `validate` finds, or nothing to find where it says nothing."""
    return Fault(kind, harm, VALIDATE, 1 if says else 0, says)


def heals(kind: str, harm: Harm, words: tuple[str, ...] = EVALUATE, says: str = "") -> Fault:
    """Return a fault that the run mends itself; one that says something exits 2 first."""
    return Fault(kind, harm, words, 2 if says else 0, says, mended=False)


FAULTS = [
    Fault("manifest: missing", remove(manifest), says="manifest.json: no such file"),
    Fault("manifest: cut in the middle", cut(manifest), says="manifest.json: not valid JSON"),
    Fault("manifest: empty", put(manifest, b""), says="manifest.json: not valid JSON"),
    Fault("manifest: not UTF-8", put(manifest, b'{"run": "\xff"}'), says="not UTF-8 text"),
    Fault("manifest: one flipped bit in a key", flip(manifest, b"method"), says="unknown key"),
    Fault("manifest: a NaN", replace(manifest, '"schema_version": 1', '"schema_version": NaN'), says="NaN"),
    Fault("manifest: of a later version", edit_json(manifest, schema_version=99), says="schema_version"),
    Fault("manifest: a run name that is a path", edit_json(manifest, run="../../x"), says="run"),
    heals("manifest: byte-order mark", with_mark),
    Fault("task: missing", remove(task), says="unknown task 'fruit'"),
    Fault("task: a tab", replace(task, "title: Fruit", "\ttitle: Fruit"), says="fruit.yaml:"),
    Fault("task: a key twice", replace(task, "title: Fruit", "title: Fruit\ntitle: Pear"), says="title"),
    Fault("task: a misspelt key", replace(task, "title: Fruit", "titel: Fruit"), says="Did you mean 'title'"),
    Fault("task: anchors that unfold to a billion", bomb_of_anchors, says="fruit.yaml"),
    Fault("task: not UTF-8", put(task, b"name: \xff\n"), says="not UTF-8 text"),
    Fault("task: empty file", put(task, b""), says="fruit.yaml"),
    Fault("task: unknown scorer", replace(task, "scorer: exact", "scorer: exakt"), says="mean 'exact'"),
    Fault("task: a file outside the data", replace(task, "fruit/test.", "../../secret."), says="outside"),
    Fault("template: missing", remove(template), says="unknown template 'fruit'"),
    Fault("template: Python's own classes", in_template("{{ ''.__class__.__mro__ }}"), says="fruit"),
    Fault("template: counts without end", in_template("{{ range(10**9) | join }}"), says="fruit"),
    Fault("template: multiplies text without end", in_template("{{ 'x' * 10**10 }}"), says="fruit"),
    Fault("template: an unknown field", in_template("{{ quesion }}"), says="quesion"),
    Fault("template: broken syntax", in_template("{{ question"), says="fruit"),
    Fault("data: missing", remove(data), says="test.jsonl: no such file"),
    Fault("data: cut in the middle of a line", cut(data, 0.9), says="test.jsonl"),
    Fault("data: not UTF-8", put(data, b'{"id": "\xff"}\n'), says="UTF-8"),
    Fault("data: an id twice", replace(data, "fruit-test-1", "fruit-test-0"), says="fruit-test-0"),
    Fault("data: an id as a number and as a text", with_ids(1, "1"), says="test.jsonl"),
    seen("data: ids that differ in case and normal form alone", with_ids("\u00e9", "e\u0301", "E\u0301")),
    Fault("data: one sample", cut_after_line(data, 1), code=0),
    Fault("suite: one task", of_one_task, code=0),
    Fault("suite: its only task has one sample", of_one_sample, code=0),
    Fault("data: no sample", put(data, b""), says="test.jsonl"),
    Fault("data: a NaN", replace(data, '"answers": ["apple"]', '"answers": NaN'), says="test.jsonl"),
    Fault("data: a sample without its picture's file", remove(picture), says="test-0.png"),
    seen("picture: zero bytes", put(picture, b""), "test-0.png"),
    seen("picture: cut in the middle", cut(picture), "test-0.png"),
    seen("picture: unfolds to 3.6 billion pixels", bomb, "test-0.png"),
    seen("picture: no picture at all", put(picture, b"<svg onload='x'/>"), "test-0.png"),
    seen("picture: animated", animated),
    seen("picture: CMYK", as_picture("CMYK", "JPEG")),
    seen("picture: 16 bits", as_picture("I;16")),
    seen("picture: palette", as_picture("P")),
    seen("picture: huge and sound", as_picture("L", "PNG", (6000, 6000))),
    heals("predictions: last line cut", cut(lines, 0.95)),
    heals("predictions: cut behind a line", cut_after_line(lines, 2)),
    heals("predictions: a file gone", remove(lines)),
    heals("predictions: one flipped bit in a key", flip(lines, b'"key":"')),
    heals("predictions: cut, then scored", cut(lines, 0.95), SCORE, "cut short"),
    heals("predictions: a line gone, then scored", cut_after_line(lines, 2), SCORE, "missing"),
    heals("predictions: the same line twice", twice),
    heals("predictions: those of another stage, then scored", of_another_stage, SCORE, "other weights"),
    heals("plan: cut in the middle", cut(plan), SCORE, "plan.json"),
    heals("results: cut in the middle", cut(results), REPORT, "results.json"),
    heals("results: missing", remove(results), REPORT, "results.json"),
    heals("scores: one flipped bit in an id", flip(scores, b"fruit-test-0"), REPORT, "fruit.parquet"),
    heals("scores: cut in the middle", cut(scores), REPORT, "fruit.parquet"),
    Fault("checkpoint: its file is gone", lambda toy: toy.script("02-pick").unlink(), says="02-pick"),
    Fault("checkpoint: cut in the middle", cut(lambda toy: toy.script("02-pick")), says="02-pick"),
    heals("files from the future: the clock was set back", newer),
    Fault("a file where a folder must be", in_the_way, says="predictions"),
    seen("data: a picture that is a link out of its folder", outside_link, "outside"),
]  # fmt: skip
