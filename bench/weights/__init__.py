"""Where the operator's memory goes: ``python -m bench.weights`` measures and prints it.

:mod:`bench.weights.imports` weighs what is loaded, in a process of its own;
:mod:`bench.weights.traced` is an operator that notes each allocation, and writes the sums
on SIGUSR1.
"""
