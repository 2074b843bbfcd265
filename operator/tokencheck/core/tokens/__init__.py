"""What the text of a token says, and whether a known key vouches for it.

The only room that opens `Sealed` text and the only importer of `jwt` and `cryptography`. Callers
use

- `recognise`: which kind a text is, and whether discovery should take it for a token;
- `documents`: the tokens inside a JSON, YAML or dotenv value, and the one that a path names;
- `keys`: public keys from a JSON Web Key Set or PEM text;
- `read`: all facts about one token;
- `fingerprint`: telling tokens apart without keeping them.

Not here: whether the facts are good (`core.checks`), the clock, and any request: keys come as text,
and no address that a token names is ever followed. Nothing raises on what a user can write, and no
returned value holds token text except in `Sealed`. The heavy imports (`jwt`, `yaml`) happen at the
first signature or YAML document.
"""
