import pytest

from cvit_bench.records.task import Task


@pytest.fixture
def make_task():
    def make(form, classes=(), **limits):
        return Task(
            name="t",
            title="T",
            description="d",
            answer_form=form,
            scorer="s",
            template="t",
            reader="r",
            splits={"test": {"file": "f"}},
            classes=classes,
            form=limits,
            licence="CC0-1.0",
            citation="c",
        )

    return make
