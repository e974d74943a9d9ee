"""Jobs that are done at once, in the process of the test: what a dock asks for, and what it makes of the end."""

from types import SimpleNamespace

from napari_posecut.jobs.files import Outcome, Request
from napari_posecut.jobs.verbs import VERBS
from posecut_core.errors import PosecutError
from posecut_core.progress import silent


def work_at_once(session, monkeypatch):
    """Let the session's jobs do work when it is asked to, and list what it was asked for."""
    asked = []

    def start(verb, arguments):
        job = SimpleNamespace(
            request=Request(verb, arguments),
            reports=(),
            state="running",
            result={},
            message="",
            remedies=(),
            lines=(),
            is_warning=False,
        )
        asked.append(job.request)
        session.jobs.started.emit(job)
        try:
            done = Outcome.of(VERBS[verb](session.project.config_path, arguments, silent))
            job.result, job.message, job.remedies, job.state = done.result, done.message, done.remedies, "done"
            job.lines, job.is_warning = done.lines, done.is_warning
        except PosecutError as error:
            job.message, job.state = str(error), "failed"
        session.jobs.ended.emit(job)
        return job

    monkeypatch.setattr(session.jobs, "start", start)
    return asked
