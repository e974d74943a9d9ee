"""What `doctor` looks at in the labels of one video, and mends if it is asked to."""

import os
from contextlib import suppress
from pathlib import Path

from posecut_core.errors import LabelError, PosecutError, Remedy
from posecut_core.formats.deeplabcut.frames import double_frames, image_paths, never_extracted, odd_sizes
from posecut_core.formats.deeplabcut.tables import other_scorer, swapped_folder
from posecut_core.health import Findings, named_first
from posecut_core.labels.bodypart_ids import read_identities
from posecut_core.labels.contents import Contents, follow_journal, read_contents, refuse_unnamed
from posecut_core.labels.edits import valid_entries
from posecut_core.labels.exchange import changed_suffixes, collected_files, outside_edits, undecided
from posecut_core.labels.images import unreadable_images
from posecut_core.labels.notices import labels_outside, unlisted_labels
from posecut_core.labels.replaced_images import disputed_images, review_images
from posecut_core.labels.session import LabelSession
from posecut_core.labels.snapshots import read_snapshot, rebuild_journal, rebuild_names, snapshot_paths, sound_snapshots
from posecut_core.labels.store import read_labels
from posecut_core.labels.validation import FrameImages
from posecut_core.progress import Notice, Progress
from posecut_core.project.paths import Project
from posecut_core.storage.files import leftovers
from posecut_core.storage.journal import read_journal
from posecut_core.storage.locks import Lock, acquire, note_path, read_note
from posecut_core.video.frame_store import numbers_in


def check_names(project: Project, videos: list[str], found: Findings, *, mend: bool) -> None:
    """Look at the journal of bodyparts' names."""
    found.count("journals", int(project.bodypart_journal.exists()))
    with found.about(project.bodypart_journal):
        problem = _names_problem(project, videos)
        if problem and mend:
            kept = rebuild_names(project, videos)
            damaged = f"; the damaged one is {kept.name}" if kept else ""
            found.add(project.bodypart_journal, f"{problem} It was rebuilt{damaged}.", mended=True)
        elif problem:
            found.add(project.bodypart_journal, problem, mendable=True)


def _names_problem(project: Project, videos: list[str]) -> LabelError | None:
    """Say what is wrong with the journal of names; None where nothing is."""
    try:
        read_identities(project)
    except LabelError as error:
        return LabelError(f"{error} Or rebuild it from the snapshots.", _mending(project))
    for video in videos:
        try:
            steps = valid_entries(read_journal(project.label_journal(video))).values()
        except LabelError:
            continue  # told when this video is looked at
        try:
            refuse_unnamed(project, video, read_identities(project), steps)  # names come before their labels
        except LabelError as error:
            return error
    return None


def check_removed(project: Project, videos: list[str], found: Findings) -> None:
    """Name bodyparts that have labels and that config.yaml no longer lists."""
    with found.about(project.labeled_data), suppress(PosecutError):  # labels that cannot be read are reported already
        told = unlisted_labels(project, videos)
        if told:
            found.add(project.config_path, f"{told}.", harmless=True)


def _mending(project: Project) -> Remedy:
    return Remedy("doctor", config=project.root, mend=True)


def check_labels_of(project: Project, video: str, found: Findings, *, mend: bool) -> None:
    """Look at the journal, the snapshots, DeepLabCut's files and the frames of one video."""
    _check_lock(project, video, found)
    folder = project.frame_folder(video)
    with found.about(folder):
        _check_generations(project, video, found, mend=mend)
        _check_leftovers(project, video, found, mend=mend)
    readable = False
    with found.about(folder):
        if project.label_journal(video).exists():  # without one, reading the labels tells or refuses both
            swapped, other = (look(folder, project.config.scorer) for look in (swapped_folder, other_scorer))
            if swapped:
                found.add(folder, swapped)
            if other:
                found.add(folder, f"{other}.", harmless=True)
    with found.about(project.label_journal(video)):
        readable = _check_journal(project, video, found, mend=mend)
    if readable:
        with found.about(folder):
            _check_outside(project, video, found, mend=mend)
    with found.about(project.frame_store(video)):
        _check_frames(project, video, found)
    if readable:
        _check_places(project, video, found)


def _check_places(project: Project, video: str, found: Findings) -> None:
    """Name labels outside their frame, which no network learns, and frames that are labeled twice."""
    with suppress(PosecutError):  # told already
        for double in double_frames(project, video):
            found.add(project.collected_data(video), f"{double}.", harmless=True)
        certain, possible = odd_sizes(project, video)
        check = Remedy("check_labels", config=project.root, videos=[video])
        for told in (*certain, *possible):
            found.add(project.frame_folder(video), f"{told}.", check, harmless=told in possible)
        notes = list[Progress | Notice | None]()
        notes.append(labels_outside(project, read_labels(project, video, report=notes.append)))
        for note in notes:
            if isinstance(note, Notice):
                found.add(named_first(note.text) or project.collected_data(video), note, harmless=True)


def _check_lock(project: Project, video: str, found: Findings) -> None:
    """Name a note that keeps everybody from editing, and that only a person can disbelieve."""
    holder, path = read_note(project.label_lock(video)), note_path(project.label_lock(video))
    if holder and holder.elsewhere:
        found.add(
            path,
            f"{path} says that {holder} is editing the labels of {video}, expected no editing on another computer "
            "while the project is checked; close the labels there, or delete the file if that program has ended.",
        )


def _check_generations(project: Project, video: str, found: Findings, *, mend: bool) -> None:
    for path in snapshot_paths(project.frame_folder(video)):
        found.count("label snapshots")
        try:
            read_snapshot(path)
        except LabelError as error:
            if not os.path.lexists(path):
                continue  # somebody edits, and newer ones have replaced it
            if mend:
                path.unlink(missing_ok=True)
            found.add(path, error, *([] if mend else [_mending(project)]), mended=mend, mendable=not mend)


def _check_journal(project: Project, video: str, found: Findings, *, mend: bool) -> bool:
    """Tell whether the journal can be read now."""
    path = project.label_journal(video)
    generations = sound_snapshots(project.frame_folder(video))  # before the journal, which somebody may go on with
    text = read_journal(path)
    found.count("journals", int(path.exists()))
    found.count("edits", len(text.records))
    problem = follow_journal(text, generations).problem
    if problem and mend:
        return _rebuild(project, video, problem, found)
    if problem:
        found.add(path, f"{path} {problem}; rebuild it, which keeps a copy.", _mending(project), mendable=True)
        return False
    if text.tail and mend:
        with LabelSession.open(project, video) as session:
            found.add(path, " ".join(session.notices), mended=session.writable)
    elif text.tail:
        found.add(
            path,
            f"{path} ends in {len(text.tail)} bytes that are not a complete edit, as after a crash; move them to "
            "another file.",
            _mending(project),
            mendable=True,
        )
    return True


def _rebuild(project: Project, video: str, problem: str, found: Findings) -> bool:
    path = project.label_journal(video)
    lock = acquire(project.label_lock(video))
    if not isinstance(lock, Lock):
        found.add(
            path, f"{path} {problem}, but {lock or 'another program'} is editing it; close it there and try again."
        )
        return False
    try:
        kept, recovered = rebuild_journal(project, video)
    finally:
        lock.release()
    lost = f"{len(recovered.lost)} edits are lost" if recovered.lost else "no label is lost"
    copy = f", and the damaged one is kept as {kept.name}" if kept else ""
    found.add(
        path, f"{path} {problem}; it was rebuilt, {lost}, but earlier edits can no longer be undone{copy}.", mended=True
    )
    return True


def _check_leftovers(project: Project, video: str, found: Findings, *, mend: bool) -> None:
    folder = project.frame_folder(video)
    for path in (*leftovers(folder, prefix="labels"), *leftovers(folder, prefix="CollectedData")):
        if mend:
            path.unlink(missing_ok=True)
        problem = f"{path} is a leftover of a program that was killed; delete it."
        found.add(path, problem, *([] if mend else [_mending(project)]), mended=mend, mendable=not mend)


def _check_outside(project: Project, video: str, found: Findings, *, mend: bool) -> None:
    contents = read_contents(project, video)
    if contents.imported is not None:
        return
    found.count("labels", sum(len(frame.points) for frame in contents.history.state.frames.values()))
    state, naming = contents.history.state, contents.naming
    try:
        edits = outside_edits(project, video, state, naming, contents.generations)
    except LabelError as error:
        problem, discard = f"{error} Or write it again.", Remedy("merge_labels", config=project.root, discard=True)
        found.add(named_first(problem) or project.collected_data(video), problem, *error.remedies, discard)
        return
    if edits:
        found.add(project.collected_data(video), undecided(project, video, edits))
        return
    for suffix in changed_suffixes(project, video, contents.generations):
        path = project.collected_data(video, suffix)
        problem = (
            f"{path} has the labels that PoseCut wrote, but different bytes; another program may have saved it, or "
            "the disk may be failing"
        )
        _add_unwritten(project, video, path, problem, found, mend=mend)
    for path in _missing_files(project, video, contents):
        problem = f"{path} is missing, expected it to hold the labels for DeepLabCut"
        _add_unwritten(project, video, path, problem, found, mend=mend)


def _add_unwritten(project: Project, video: str, path: Path, problem: str, found: Findings, *, mend: bool) -> None:
    """Note a file of labels that has changed since it was written, and write it again if that is asked for."""
    mended = mend and _saved(project, video)
    remedies = [] if mended else [_mending(project)]
    found.add(path, f"{problem}; write it again.", *remedies, mended=mended, mendable=not mended)


def _missing_files(project: Project, video: str, contents: Contents) -> list[Path]:
    folder = project.frame_folder(video)
    if contents.generations:
        return [folder / name for name in contents.generations[0].files if not (folder / name).exists()]
    labeled = len(contents.table(video).numbers) and not collected_files(project, video)
    return [project.collected_data(video, suffix) for suffix in (".h5", ".csv") if labeled]


def _saved(project: Project, video: str) -> bool:
    with LabelSession.open(project, video) as session:
        session.save()
        return True


def _check_frames(project: Project, video: str, found: Findings) -> None:
    """Read every stored frame, and hold those that are labeled against what was labeled."""
    path = project.frame_store(video)
    known = _known_images(project, video)
    numbers: tuple[int, ...] = ()
    with found.about(path):
        numbers = numbers_in(path)
    present = {*numbers, *image_paths(project, video)}
    absent = sorted(known.keys() - present) if numbers or not path.exists() else []  # else the store is damaged
    if absent:
        found.add(path, never_extracted(project, video, absent))
    with found.about(path):
        for problem in unreadable_images(project, video):
            found.add(named_first(problem) or project.frame_folder(video), problem)
    with found.about(path):
        _check_replaced(project, video, found)
    images = FrameImages(project, video)
    for number in sorted({*numbers, *known} - {*absent}):
        found.count("frames")
        with found.about(path):
            images.check(number, known.get(number, ""))


def _check_replaced(project: Project, video: str, found: Findings) -> None:
    """Name images that show another picture than what is stored of their frames."""
    review = review_images(project, video)
    folder = project.frame_folder(video)
    disputed = disputed_images(project, video, review)
    if disputed:
        found.add(folder / review.disputed[0].path.name, disputed)
    others = [image.path.name for image in review.replaced if not image.labeled]
    if others:
        found.add(
            folder / others[0],
            f"{folder}: the pictures of {', '.join(others)} differ from those in {project.frame_store(video).name}; "
            "the next step reads them again and uses them; check their labels.",
            Remedy("check_labels", config=project.root, videos=[video]),
            harmless=True,
        )


def _known_images(project: Project, video: str) -> dict[int, str]:
    try:
        frames = read_contents(project, video).history.state.frames
    except PosecutError:
        return {}  # told already
    return {number: frame.shown for number, frame in frames.items() if frame.image or frame.points}
