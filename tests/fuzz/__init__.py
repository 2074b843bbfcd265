"""The properties of all parsers, fed with bytes for as long as one wants: ``python -m fuzz``."""
