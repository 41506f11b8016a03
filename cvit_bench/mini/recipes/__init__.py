"""Recipes of the embedded suite's data: one module a task, run by `python -m cvit_bench.mini.build`."""
