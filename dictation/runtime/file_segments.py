"""A segment of a file or of a check on its way through the recogniser's mailbox, as a future."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

from dictation.core.job_box import JobBox, JobKind, RecogniserClosed, job_for
from dictation.core.records import Recognition, Segment


def queue_segment(box: JobBox, segment: Segment, hotwords: tuple[str, ...] | None = None) -> Future[Recognition]:
    """Queue a segment behind live speech, to be recognised with the user's hotwords or with others.

    Thread: any; the future is answered in whichever knows the outcome.
    """
    future: Future[Recognition] = Future()

    def deliver(outcome: Recognition | Exception) -> None:
        if not future.set_running_or_notify_cancel():
            return  # the file was cancelled meanwhile
        if isinstance(outcome, RecogniserClosed):
            future.set_exception(CancelledError())
        elif isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    job = job_for(JobKind.FILE, segment, deliver=deliver, hotwords=hotwords, is_unwanted=future.cancelled)
    box.put_file(job)
    return future
