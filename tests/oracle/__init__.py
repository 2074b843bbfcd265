"""A second opinion on tokens: go-jose judges what a seed makes, and not one verdict may differ.

``generate`` makes tokens and key sets with every fault of `twists`; ``gojose`` (Go) says what the
library makes of each, ``judged`` what the pure core does, ``rules`` where we are stricter and by
which source. ``compare`` allows those and nothing else.

Not made, as there the library has limits of its own: Ed448 and the names of RFC 9864, RSA exponents
above 31 bits, moments between two seconds, and keys and certificates in a header that only look
like some.
"""
