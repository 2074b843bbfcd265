"""Measures the operator beside a plain controller-runtime controller in Go.

Both do the same job on the same API server, one after the other in one run: watch TokenChecks
and Secrets, verify RS256 tokens, keep ``Ready`` true. ``python -m bench`` prints a table;
``docs/benchmarks.md`` says what each figure means.

A stage (:mod:`bench.stages`) gets a cluster of its own (:mod:`bench.cluster`), seeds it
(:mod:`bench.seed`), starts a contender (:mod:`bench.contenders`) and returns figures;
:mod:`bench.rows` holds the targets that they are judged by.
"""
