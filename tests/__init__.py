"""A package, so that `tests` is this folder where another distribution installed one of that name, as sleap-io does."""
