"""What is wrong with an installation, from facts that others gathered. Pure.

`facts` has what was seen, `diagnosis` what is said about it; each other module judges one subject,
and `examine` calls them in the order in which one would look. Not here: tokens and their verdicts.
"""
