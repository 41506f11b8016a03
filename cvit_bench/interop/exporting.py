"""A scored run in another tool's format, written whole or not at all."""

from pathlib import Path

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.scored_run import open_scored
from cvit_bench.interop.whole import whole_folder


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
    with whole_folder(out) as folder:
        return str(exporter.write(run, folder)).replace(str(folder), str(out))
