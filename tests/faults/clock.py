"""A clock that was set back: a library put before the system's tells the time with seconds added.

The seconds stand in CVIT_BENCH_TEST_CLOCK and are read at every call. Only the time of day is moved; what
measures how long something takes goes on as it did.
"""

import shutil
import subprocess
from pathlib import Path

SECONDS = "CVIT_BENCH_TEST_CLOCK"
YEAR = 365 * 86_400
SOURCE = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t added(void) {
    const char *said = getenv("CVIT_BENCH_TEST_CLOCK");
    return said ? atol(said) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += added();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    int failed = syscall(SYS_gettimeofday, now, zone);
    if (!failed) now->tv_sec += added();
    return failed;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
"""


def library(folder: Path) -> Path | None:
    """Build the library; None where there is no C compiler or its way of doing so is another."""
    compiler, made = shutil.which("cc"), folder / "clock.so"
    (folder / "clock.c").write_text(SOURCE)
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(folder / "clock.c")]
    if compiler is None or subprocess.run(words, capture_output=True, check=False).returncode:
        return None
    return made


def variables(built: Path, years: int = 0) -> dict[str, str]:
    """Return what a process needs in its environment to tell the time of so many years ago."""
    return {"LD_PRELOAD": str(built), SECONDS: str(-years * YEAR)}
