"""Rename and add bodyparts at any time: labels refer to identities, so no label moves."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from posecut_core.errors import ArgumentError, LabelError
from posecut_core.formats.deeplabcut.tables import collected_bodyparts
from posecut_core.labels.bodypart_ids import (
    Identities,
    NameEdit,
    RenameBodypart,
    after_all,
    read_identities,
    read_name_edits,
    record_names,
)
from posecut_core.labels.contents import read_naming, used_identities
from posecut_core.labels.images import adopt_project
from posecut_core.labels.session import LabelSession
from posecut_core.project.config import edit_config
from posecut_core.project.given import forgiving
from posecut_core.project.opening import frame_folders
from posecut_core.project.paths import Project
from posecut_core.results import Summary
from posecut_core.storage.locks import hold
from posecut_core.storage.yaml_files import load_mapping, read_yaml


@dataclass(frozen=True)
class EditedBodyparts:
    """The bodyparts of a project after they were renamed or joined by others."""

    config_path: Path
    bodyparts: tuple[str, ...]
    renamed: dict[str, str]  # old name -> new name
    added: tuple[str, ...]

    def summary(self) -> Summary:
        """Say which bodyparts there are now."""
        lines = [f"{old} is now called {new}." for old, new in self.renamed.items()]
        lines += [f"Added {name}; in frames labeled so far it is not annotated." for name in self.added]
        return Summary(f"The bodyparts are {', '.join(self.bodyparts)}.", tuple(lines))


@forgiving
def edit_bodyparts(
    config: str | os.PathLike[str], *, rename: Mapping[str, str] | None = None, add: Sequence[str] = ()
) -> EditedBodyparts:
    """Rename bodyparts or add new ones, in config.yaml and in all labels; no label moves.

    Old frames say nothing about a bodypart that is added: it was not looked for there. Where config.yaml was edited by
    hand already, this says what was meant. Networks know bodyparts by the names that they were trained with.

    Args:
        config: path of config.yaml.
        rename: old and new names, as nose:snout,tail:tailbase.
        add: new bodyparts, separated by commas.

    Raises:
        ArgumentError: no name is given, or one is unknown or taken.
        BusyError: somebody else edits labels.
        LabelError: another program changed labels and nobody has decided about it.
        StorageError: the disk refuses.
    """
    names = dict(rename or {})
    if not names and not add:
        raise ArgumentError("Nothing to do; give `rename` old and new names, or `add` new ones.")
    project = adopt_project(config)
    known, made = _begun(project, names, add)
    before = _before(project, known, names, add)
    after = _after(project, before, names, add)
    old, new = _with_bodyparts(project, before), _with_bodyparts(project, after)
    recorded = made > 0 and made == len(_name_edits(known, names, add))  # so that files may have the new names already
    ahead = [
        folder.name for folder in frame_folders(project) if recorded or _is_ahead(project, folder.name, names, add)
    ]
    with contextlib.ExitStack() as stack:
        sessions = _opened(stack, old, [folder.name for folder in frame_folders(project) if folder.name not in ahead])
        if sessions:
            with hold(project.bodypart_lock):
                record_names(project, read_naming(old).new)
        for session in sessions:
            session.begin()
        with hold(project.bodypart_lock):
            known = known if made else read_identities(project)
            record_names(project, _name_edits(known, names, add)[made:])
        others = _opened(stack, new, ahead)
        for session in others:
            session.begin()
        sessions += others
        _write_config(project, after, names)
        for session in sessions:
            session.rename_columns(after)
    return EditedBodyparts(project.config_path, after, names, tuple(add))


def _begun(project: Project, rename: Mapping[str, str], add: Sequence[str]) -> tuple[Identities, int]:
    """Return the identities before this change, and how many of its entries the journal of names ends with.

    That is how far the same call had come before it was killed; to call again when all is done changes nothing.
    """
    recorded = read_name_edits(project)
    for made in range(min(2 * len(rename) + len(add), len(recorded)), 0, -1):
        known = after_all(recorded[:-made])
        if list(recorded[-made:]) == _name_edits(known, rename, add)[:made]:
            return known, made
    return after_all(recorded), 0


def _before(project: Project, known: Identities, rename: Mapping[str, str], add: Sequence[str]) -> tuple[str, ...]:
    """Return the list of bodyparts before the change, also where config.yaml has the new one already.

    Raises:
        ArgumentError: a name is unknown, or taken.
    """
    listed = project.config.bodyparts
    old = {new: name for name, new in rename.items() if name not in listed}
    before = tuple(old.get(name, name) for name in listed if name not in add)
    for name, new in rename.items():
        if name not in before or (known.names and known.identity(name) is None and name not in listed):
            raise ArgumentError(f"The project has no bodypart {name!r}; choose one of {', '.join(listed)}.")
        if new in before or list(rename.values()).count(new) > 1 or new in add:
            advice = (
                "give that bodypart another name first, in a call of its own" if new in rename else "choose another"
            )
            raise ArgumentError(f"The name {new!r} is taken, expected a new one for {name}; {advice}.")
        other = known.identity(new)
        gone = other is not None and not any(name in known.names[other] for name in before)
        if gone and other in used_identities(project, known):
            raise ArgumentError(
                f"The name {new!r} belongs to a bodypart with labels that config.yaml no longer lists, expected a new "
                f"name for {name}; choose another, or list {new} in `bodyparts` again and rename it first."
            )
    taken = [name for name in add if name in before or known.identity(name) is not None or not name.strip()]
    if taken or len(set(add)) < len(add):
        raise ArgumentError(
            f"{', '.join(map(repr, taken or add))} cannot be added: each name must be new and given only once."
        )
    return before


def _after(project: Project, before: Sequence[str], rename: Mapping[str, str], add: Sequence[str]) -> tuple[str, ...]:
    after = [rename.get(name, name) for name in before]
    after += [name for name in add if name not in project.config.bodyparts]
    listed = project.config.bodyparts
    return listed if set(listed) == {*after, *add} else (*after, *(name for name in add if name not in after))


def _with_bodyparts(project: Project, bodyparts: tuple[str, ...]) -> Project:
    return Project(project.root, replace(project.config, bodyparts=bodyparts))


def _is_ahead(project: Project, video: str, rename: Mapping[str, str], add: Sequence[str]) -> bool:
    """Tell whether all there is of a video's labels is a table that has the new names already, as config.yaml may."""
    if project.label_journal(video).exists():
        return False
    try:
        names = collected_bodyparts(project.frame_folder(video), project.config.scorer)
    except LabelError:
        return False  # told where its labels are opened
    return not rename.keys() & {*names} and bool({*rename.values(), *add} & {*names})


def _opened(stack: contextlib.ExitStack, project: Project, videos: Sequence[str]) -> list[LabelSession]:
    """Open the labels of videos for editing; return those that know of frames. All are closed with the stack."""
    sessions = []
    for video in videos:
        session = stack.enter_context(LabelSession.open(project, video))
        session.require_writable()
        session.refuse_outside()
        if session.state.frames or session.revision:
            sessions.append(session)
    return sessions


def _name_edits(known: Identities, rename: Mapping[str, str], add: Sequence[str]) -> list[NameEdit]:
    edits: list[NameEdit] = []
    for name, new in rename.items():
        identity, other = known.identity(name), known.identity(new)
        if identity is not None and other is not None:  # of a bodypart without labels, which would go by this name too
            edits.append(RenameBodypart(other, known.earlier(new)))
        if identity is not None:
            edits.append(RenameBodypart(identity, new))
    for name in add if known.names else ():
        edits.append(known.added(name))
        known = known.after(edits[-1])
    return edits


def _write_config(project: Project, bodyparts: tuple[str, ...], rename: Mapping[str, str]) -> None:
    values = load_mapping(read_yaml(project.config_path), project.config_path)
    changes: dict[str, object] = {"bodyparts": list(bodyparts)}
    skeleton = values.get("skeleton")
    if isinstance(skeleton, list):
        changes["skeleton"] = [
            [rename.get(str(part), part) for part in bone] if isinstance(bone, list) else bone for bone in skeleton
        ]
    edit_config(project.config_path, changes)
