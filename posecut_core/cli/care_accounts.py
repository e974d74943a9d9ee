"""What people are told about bodyparts, labels of other programs, and the project's health."""

from posecut_core.cli.task import Outcome, command, counted, shorter
from posecut_core.workflow.bodyparts import EditedBodyparts
from posecut_core.workflow.doctoring import Diagnosis
from posecut_core.workflow.findings import Finding
from posecut_core.workflow.merging import MergedLabels
from posecut_core.workflow.undoing import UndoneLabels

_SHOWN = 20  # changes per video; --json has all


def tell_edited(edited: EditedBodyparts) -> Outcome:
    """Say which bodyparts there are now."""
    lines = [f"{old} is called {new} now." for old, new in edited.renamed.items()]
    lines += [f"Added {name}; frames labelled before say nothing about it." for name in edited.added]
    lines.append(f"The bodyparts are {', '.join(edited.bodyparts)}.")
    return Outcome(edited, tuple(lines))


def tell_merged(merged: MergedLabels) -> Outcome:
    """Say what other programs changed, and what became of it."""
    root = merged.config_path.parent
    if not merged.videos:
        return Outcome(merged, ("No other program changed the labels.",), (command("check-labels", root),))
    lines = []
    for video in merged.videos:
        changes = counted(len(video.changes), "change") if video.changes else "changes that cannot be read"
        lines.append(f"{video.video}: {changes}, {merged.decision}")
        lines += [f"  {change}" for change in video.changes[:_SHOWN]]
        lines += [f"  and {len(video.changes) - _SHOWN} more"] * (len(video.changes) > _SHOWN)
        lines += [f"  {video.obstacle}"] * bool(video.obstacle)
        lines += [f"  what was there is kept as {shorter(path)}" for path in video.copies]
    if merged.decision == "shown":
        words = ("--discard",) if any(video.obstacle for video in merged.videos) else ("--take", "--discard")
        return Outcome(merged, tuple(lines), tuple(command("merge-labels", root, word) for word in words))
    return Outcome(merged, tuple(lines), (command("check-labels", root),))


def tell_undone(undone: UndoneLabels) -> Outcome:
    """Say what the labels are now, and how far one can go back and forth."""
    root = undone.config_path.parent
    lines = list(undone.changes[:_SHOWN])
    lines += [f"and {len(undone.changes) - _SHOWN} more changes"] * (len(undone.changes) > _SHOWN)
    left = f"{counted(undone.undoable, 'edit')} can still be undone, {undone.redoable} redone"
    following = [command("undo-labels", root, undone.video)] if undone.undoable else []
    following += [command("redo-labels", root, undone.video)] if undone.redoable else []
    return Outcome(undone, (*lines, f"{undone.video}: {left}."), tuple(following))


def tell_diagnosis(diagnosis: Diagnosis) -> Outcome:
    """Say what is wrong; the exit code says whether anything is left."""
    root = diagnosis.config_path.parent
    lines = [f"{_kind(finding)}{finding.problem}" for finding in diagnosis.findings]
    checked = ", ".join(f"{number} {what}" for what, number in diagnosis.checked.items())
    left = sum(not (finding.mended or finding.harmless) for finding in diagnosis.findings)
    verdict = f"{counted(left, 'problem')} left" if left else "nothing is wrong"
    lines.append(f"Checked {checked}: {verdict}.")
    mendable = any(finding.mendable for finding in diagnosis.findings)
    following = (command("doctor", "--mend", root),) if mendable and not diagnosis.mend else ()
    return Outcome(diagnosis, tuple(lines), following, exit_code=0 if diagnosis.sound else 1)


def _kind(finding: Finding) -> str:
    if finding.mended:
        return "Mended: "
    return "To know: " if finding.harmless else ""
