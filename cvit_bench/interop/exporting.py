"""A scored run in another tool's format, written whole or not at all."""

import shutil
from pathlib import Path

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.scored_run import open_scored


def export_run(format_: str, run_dir: Path, out: Path, data_root: Path | None = None) -> str:
    """Write a run in a format; return what was written.

    Raises CvitBenchError when `out` is there already, or what the format needs is not.
    """
    if out.exists():
        raise CvitBenchError(f"--out {out}: is there already")
    exporter = plugins.load(plugins.EXPORTS, format_)
    run = open_scored(run_dir, data_root)
    if not exporter.IS_FOLDER:
        return str(exporter.write(run, out))
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        said = str(exporter.write(run, beside)).replace(str(beside), str(out))
        beside.replace(out)
    except OSError as error:
        raise CvitBenchError(f"--out {out}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return said
