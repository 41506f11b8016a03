"""Files in the published formats, small ones, and what is read from them."""

import json

import pytest

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.split import Beside


@pytest.fixture
def write(tmp_path):
    """Return a function that writes JSON, text or bytes below the temporary folder and returns the path."""

    def written(name: str, content: object):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes | str) else json.dumps(content, indent=1)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return written


@pytest.fixture
def read():
    """Return a function that reads a file with a reader by its name."""

    def samples(reader: str, path, **beside):
        return list(plugins.load(plugins.READERS, reader).read(path, Beside(**beside)))

    return samples


@pytest.fixture
def faults():
    """Return a function that reads a file and returns what could be read and what is wrong with the rest."""

    def found(reader: str, path, **beside) -> tuple[list, list[str]]:
        noted: list[CvitBenchError] = []
        told = Beside(**beside, refuse=noted.append)
        return list(plugins.load(plugins.READERS, reader).read(path, told)), [str(one) for one in noted]

    return found
