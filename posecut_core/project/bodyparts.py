"""Bodyparts that a file or a network has and config.yaml has not: one sentence for all of them."""

from collections.abc import Collection, Iterable


def shown(name: str) -> str:
    """Return a name as a sentence shows it: in quotes where a blank at its end or beginning could not be seen."""
    return repr(name) if name != name.strip() or not name.isprintable() else name


def foreign_bodyparts(found: Iterable[str], known: Collection[str], *, source: str, remedy: str) -> str | None:
    """Say that `source` has bodyparts that the project does not have; None where it has none.

    Args:
        found: names in the source.
        known: names in config.yaml.
        source: what has them, as the sentence begins.
        remedy: what else than giving the old names back helps, as the sentence ends.
    """
    foreign = [name for name in found if name not in known]
    if not foreign:
        return None
    return (
        f"{source} has {', '.join(map(repr, foreign))}, expected only bodyparts of config.yaml "
        f"({', '.join(map(shown, known))}); if they were renamed there, call them as before, else {remedy}."
    )
