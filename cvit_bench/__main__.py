"""`python -m cvit_bench` is the same as `cvit-bench` (torchrun needs the former)."""

from cvit_bench.cli.main import run

if __name__ == "__main__":
    run()
