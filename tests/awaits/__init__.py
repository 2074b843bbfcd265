"""Exceptions that carry a token, thrown at every await on the road from Secret to status."""
