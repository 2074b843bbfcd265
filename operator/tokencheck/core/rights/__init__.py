"""Which rights somebody needs, and the commands that give them. Pure.

Not here: whether somebody has them (`clients.kube.reviews` asks), and what a missing one means for
an installation (`core.doctor`).
"""
