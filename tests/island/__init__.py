"""An island: a network of its own in which every address of the world is this machine.

The egress client runs there as it is, with the kernel's sockets and the system's resolver, dials
real addresses (169.254.169.254 too), and every connection is counted where it arrives. Nothing of
it leaves the island: it is a Linux network namespace without any way out.
"""
