"""Stable bodypart ids that survive renaming and reordering.

`bodyparts.jsonl` beside config.yaml is a journal of names: labels refer to identities, config.yaml to names. An
identity is the name with which a bodypart began.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from posecut_core.errors import LabelError, Remedy
from posecut_core.project.paths import Project
from posecut_core.storage.journal import JournalWriter, Record, read_journal
from posecut_core.storage.values import shown


@dataclass(frozen=True)
class AddBodypart:
    """A bodypart joins the project."""

    identity: str
    name: str


@dataclass(frozen=True)
class RenameBodypart:
    """A bodypart has another name from now on."""

    identity: str
    name: str


NameEdit = AddBodypart | RenameBodypart
_KINDS: dict[str, type[AddBodypart | RenameBodypart]] = {"add": AddBodypart, "rename": RenameBodypart}


@dataclass(frozen=True)
class Identities:
    """Identity -> its names, the present one last."""

    names: dict[str, tuple[str, ...]]

    def after(self, edit: NameEdit) -> "Identities":
        """Return the identities after an edit."""
        return Identities({**self.names, edit.identity: (*self.names.get(edit.identity, ()), edit.name)})

    def name(self, identity: str) -> str:
        """Return the present name of a bodypart."""
        return self.names[identity][-1] if identity in self.names else identity

    def identity(self, name: str) -> str | None:
        """Return which bodypart has this name now; None where none has it."""
        return next((identity for identity, names in self.names.items() if names[-1] == name), None)

    def renamed(self, name: str) -> str | None:
        """Return what a bodypart is called now that had this name earlier; None where none had, or one has it now."""
        if self.identity(name) is not None:
            return None
        return next((names[-1] for names in self.names.values() if name in names), None)

    def earlier(self, name: str) -> str:
        """Return another name for a bodypart that gives its name to another one; nobody has it."""
        taken = {name for names in self.names.values() for name in names}
        choices = (f"{name} (earlier)", *(f"{name} (earlier {number})" for number in range(2, len(taken) + 3)))
        return next(choice for choice in choices if choice not in taken)

    def added(self, name: str) -> AddBodypart:
        """Return the edit that adds a bodypart; its identity is its name, numbered if that is taken."""
        taken = (f"{name}-{number}" for number in range(2, len(self.names) + 3))
        identity = next(choice for choice in (name, *taken) if choice not in self.names)
        return AddBodypart(identity, name)


@dataclass(frozen=True)
class Naming:
    """The bodyparts of a project, as config.yaml lists them and as labels know them."""

    columns: dict[str, str]  # identity -> name, in config.yaml's order
    new: tuple[AddBodypart, ...]  # those that are not in the journal yet
    known: frozenset[str]  # identities, also of bodyparts that config.yaml no longer lists

    @property
    def identities(self) -> dict[str, str]:
        """Return name -> identity."""
        return {name: identity for identity, name in self.columns.items()}

    def name(self, identity: str) -> str:
        """Return the name of a bodypart; one that config.yaml no longer lists goes by its identity."""
        return self.columns.get(identity, identity)


def read_identities(project: Project) -> Identities:
    """Read the journal of names; a project without one has no identities yet.

    Raises:
        LabelError: the journal is damaged.
    """
    return after_all(read_name_edits(project))


def after_all(edits: Iterable[NameEdit]) -> Identities:
    """Return the identities after all edits of a journal, or after the first of them."""
    known = Identities({})
    for edit in edits:
        known = known.after(edit)
    return known


def read_name_edits(project: Project) -> tuple[NameEdit, ...]:
    """Read the edits of the journal of names, the oldest first.

    Raises:
        LabelError: the journal is damaged.
    """
    path = project.bodypart_journal
    text = read_journal(path)
    if text.damaged or text.tail.endswith(b"\n"):
        line = text.damaged[0] if text.damaged else len(text.records) + 1
        raise LabelError(f"{path} is damaged in line {line}; restore it from a copy, or remove that line.")
    edits = []
    for revision, record in text.records:
        try:
            edits.append(_decode(record))
        except (KeyError, TypeError) as error:
            raise LabelError(
                f"{path} entry {revision} is not a valid edit of bodyparts; it was probably written by a newer "
                "version of PoseCut: update PoseCut."
            ) from error
    return tuple(edits)


def record_names(project: Project, edits: Iterable[NameEdit]) -> None:
    """Append to the journal of names. Whoever calls holds the lock of the names.

    Raises:
        StorageError: the disk refuses.
    """
    path = project.bodypart_journal
    writer = JournalWriter(path, read_journal(path))
    try:
        for edit in edits:
            name = "add" if isinstance(edit, AddBodypart) else "rename"
            writer.append({"op": name, "identity": edit.identity, "name": edit.name})
    finally:
        writer.close()


def match_names(
    known: Identities,
    names: Sequence[str],
    *,
    used: Collection[str] | None = None,
    root: str | os.PathLike[str] = ".",
) -> Naming:
    """Find the identity of each of config.yaml's bodyparts.

    A name is matched by present names, then by earlier names of bodyparts that are missing; what is left is new. Names
    that came while others went may be renamed or replaced: that cannot be guessed.

    Args:
        known: the journal of names.
        names: of config.yaml's bodyparts.
        used: identities that something refers to; others may go without a question. None stands for all.
        root: the project's folder, for commands in errors.

    Raises:
        LabelError: bodyparts came while others went.
    """
    found = {name: known.identity(name) for name in names}
    missing = [identity for identity in known.names if known.name(identity) not in names]
    for name in (name for name, identity in found.items() if identity is None):
        earlier = next((identity for identity in missing if name in known.names[identity]), None)
        if earlier is not None:
            found[name] = earlier
            missing.remove(earlier)
    new = [name for name, identity in found.items() if identity is None]
    missing = [identity for identity in missing if used is None or identity in used]
    if new and missing:
        raise _ambiguous(root, new, [known.name(identity) for identity in missing])
    additions = []
    for name in new:
        additions.append(known.added(name))
        known = known.after(additions[-1])
        found[name] = additions[-1].identity
    columns = {str(identity): name for name, identity in found.items()}
    return Naming(columns, tuple(additions), frozenset(known.names))


def _ambiguous(root: str | os.PathLike[str], new: Sequence[str], missing: Sequence[str]) -> LabelError:
    return LabelError(
        f"config.yaml lists the new {_listed(new)} and no longer {_listed(missing)}, and PoseCut cannot tell a rename "
        "from a replacement; rename the old ones, or add the new ones.",
        Remedy("edit_bodyparts", config=root, rename=dict(zip(missing, new, strict=False))),
        Remedy("edit_bodyparts", config=root, add=list(new)),
    )


def _listed(names: Sequence[str]) -> str:
    return f"bodypart{'s' if len(names) > 1 else ''} {', '.join(map(shown, names))}"


def _decode(record: Record) -> NameEdit:
    return _KINDS[str(record["op"])](str(record["identity"]), str(record["name"]))
