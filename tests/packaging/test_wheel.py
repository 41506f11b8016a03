"""The wheel, installed away from the checkout, brings every data file and runs.

Packages it depends on are borrowed from this environment through a path file, so that the test takes
seconds; `make wheel-check` does the same with everything installed anew.
"""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.packaging, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """Return the python of an environment that has the wheel and borrows the rest."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True)
    python = home / "venv" / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    site = next((home / "venv" / "lib").glob("python*/site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def run(python: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(python), "-m", "cvit_bench", *words],
        cwd=python.parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_wheel_holds_data_and_nothing_stray(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tasks = {path.name for path in (ROOT / "tasks").glob("*.yaml")}
    assert {Path(name).name for name in names if name.startswith("cvit_bench/_data/tasks/")} >= tasks
    assert any(name.endswith("mini/base/model.safetensors") for name in names)
    assert {"minilm.safetensors", "SOURCE.md"} <= {
        Path(name).name for name in names if "data/embeddings" in name
    }
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cvit_bench"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_installed_package_is_the_one_that_runs(installed):
    code = "import cvit_bench; print(cvit_bench.__file__)"
    done = subprocess.run(
        [str(installed), "-c", code], cwd=installed.parents[2], capture_output=True, text=True, check=True
    )
    assert str(installed.parents[1]) in done.stdout


def test_validate_sees_every_shipped_file(installed):
    done = run(installed, "validate")
    assert done.returncode == 0, done.stdout + done.stderr
    shipped = [*(ROOT / "tasks").rglob("*.yaml"), *(ROOT / "instruction_templates").glob("*.yaml")]
    shipped += (ROOT / "cvit_bench" / "train" / "recipes").glob("*.yaml")
    assert f"{len(shipped)} files checked, 0 findings" in done.stdout


def test_list_tasks_names_the_embedded_suite(installed):
    done = run(installed, "list", "tasks")
    assert done.returncode == 0, done.stderr
    assert "mini_garments" in done.stdout


def test_training_and_evaluation_run_from_the_wheel(installed):
    steps = ("--set", "training.steps=1", "--set", "training.batch_size=2", "--limit", "4")
    done = run(installed, "train", "--method", "lora", "--run-dir", "tiny", *steps)
    assert done.returncode == 0, done.stderr
    done = run(installed, "evaluate", "--run-dir", "tiny", "--limit", "2")
    assert done.returncode == 0, done.stderr
    assert "BWT" in done.stdout
