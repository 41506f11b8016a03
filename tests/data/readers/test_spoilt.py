"""Whatever stands in the place of a value, a reader says what is wrong or reads on, and nothing else."""

import copy
import importlib.util
import json
from pathlib import Path

import pytest

from cvit_bench.errors import CvitBenchError

ODD = (
    None,
    5,
    -1,
    0.5,
    True,
    "",
    " ",
    "\0",
    "../x",
    "\ud800",
    [],
    [[]],
    [None],
    {},
    {"a": []},
    "<image>",
    "[1]",
)


def sources():
    """Return the modules with the small files of the published formats."""
    for name in ("test_datasets", "test_instructions"):
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


DATASETS, INSTRUCTIONS = sources()
FILES = {
    "llava": INSTRUCTIONS.TRAIN,
    "coin": INSTRUCTIONS.QUESTIONS,
    "scienceqa": DATASETS.PROBLEMS,
    "textvqa": DATASETS.TEXTVQA,
    "gqa": DATASETS.GQA,
    "vqa": DATASETS.VQA,
    "vizwiz": DATASETS.VIZWIZ,
    "ocrvqa": DATASETS.OCRVQA,
    "coco_captions": DATASETS.COCO,
}


def places(value, here=()):
    """Yield the path of every value inside a value."""
    yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*here, key))


def spoilt(content, place, odd):
    """Return a copy with another value at a place."""
    if not place:
        return odd
    changed = copy.deepcopy(content)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    return changed


def all_faults(faults, reader, path, **beside):
    """Return what is wrong with a file, its rows' faults or the one that keeps it from being read at all."""
    try:
        return faults(reader, path, **beside)[1]
    except CvitBenchError as error:
        return [str(error)]


@pytest.mark.parametrize("reader", FILES)
def test_a_spoilt_value_is_a_fault_or_harmless(write, faults, reader):
    content = FILES[reader]
    for place in places(content):
        for odd in ODD:
            path = write("file.json", json.dumps(spoilt(content, place, odd)))
            assert all(str(path) in fault for fault in all_faults(faults, reader, path))


@pytest.mark.parametrize("second", ["vqa", "scienceqa"])
def test_a_spoilt_second_file_is_a_fault_or_harmless(write, faults, second):
    content = DATASETS.VQA_ANSWERS if second == "vqa" else DATASETS.PARTS
    path = write("file.json", FILES[second])
    for place in places(content):
        for odd in ODD:
            beside = write("second.json", json.dumps(spoilt(content, place, odd)))
            part = "val2014" if second == "vqa" else "test"
            found = all_faults(faults, second, path, annotations=beside, part=part)
            assert all(str(beside) in fault or str(path) in fault for fault in found)


@pytest.mark.parametrize("reader", FILES)
def test_a_file_that_is_cut_anywhere_is_a_fault(write, faults, reader):
    data = json.dumps(FILES[reader]).encode()
    for end in range(1, len(data) - 1, 7):
        path = write("file.json", data[:end])
        assert all_faults(faults, reader, path)
