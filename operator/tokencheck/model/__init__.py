"""The words that all rooms share: values and ports, no decisions and no I/O.

Token text exists only inside `sealed.Sealed`; `reveal` is the one door, and who may import it is a
contract.
"""
