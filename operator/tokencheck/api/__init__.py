"""Our kinds as values: parsed from Kubernetes objects and rendered back to them.

Not here: any decision, any I/O, any clock. What is wrong with an object comes back as `Invalid`
values.
"""

GROUP = "tokencheck.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
