"""Whom the operator may dial because of TokenProviders, as lists and as rules of a network. Pure.

Not here: the guard that holds each single connection to it (`clients.egress`), and what is asked.
"""
