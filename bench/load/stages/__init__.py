"""The load stages, one a file, and what they share: :mod:`~bench.load.stages.running`."""
