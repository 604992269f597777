"""What waits, what is overtaken and what is dropped on the way to the recogniser."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from dictation.core.job_box import BACKLOG_LIMIT_S, Job, JobBox, JobKind, RecogniserClosed, gap_job
from dictation.core.records import SAMPLE_RATE_HZ, Gap, LossCause


def job(kind: JobKind, segment_id: int, length_s: float = 1.0, end_frame: int | None = None, **more: object) -> Job:
    samples = np.zeros(round(length_s * SAMPLE_RATE_HZ), dtype=np.float32)
    return Job(kind, segment_id, 0, samples.size if end_frame is None else end_frame, samples, **more)


def test_finals_come_first_in_order_then_the_newest_then_files() -> None:
    box = JobBox()
    box.put_file(job(JobKind.FILE, 0))
    box.put_newest(job(JobKind.PARTIAL, 9))
    box.put_final(job(JobKind.FINAL, 1))
    box.put_final(job(JobKind.FINAL, 2))
    taken = [box.take(0) for _ in range(4)]
    assert [(one.kind, one.segment_id) for one in taken] == [
        (JobKind.FINAL, 1), (JobKind.FINAL, 2), (JobKind.PARTIAL, 9), (JobKind.FILE, 0)]  # fmt: skip
    assert box.take(0) is None


def test_files_that_nobody_wants_any_more_are_passed_over() -> None:
    box, unwanted = JobBox(), {1, 2}
    for number in range(5):
        box.put_file(job(JobKind.FILE, number, 1.0 + number, is_unwanted=lambda number=number: number in unwanted))
    assert [samples.size // SAMPLE_RATE_HZ for samples in box.waiting_files(4)] == [1, 4]
    assert [box.take(0).segment_id for _ in range(2)] == [0, 3]
    unwanted.add(4)
    assert box.take(0) is None


def test_only_the_newest_partial_waits() -> None:
    box = JobBox()
    for revision in range(5):
        box.put_newest(job(JobKind.PARTIAL, 1, revision=revision))
    assert box.take(0).revision == 4
    assert box.take(0) is None


def test_a_final_overtakes_the_partials_of_its_segment_but_not_of_the_next() -> None:
    box = JobBox()
    box.put_newest(job(JobKind.PARTIAL, 1))
    box.put_final(job(JobKind.FINAL, 1))
    assert [box.take(0).kind, box.take(0)] == [JobKind.FINAL, None]
    box.put_newest(job(JobKind.PARTIAL, 3))
    box.put_final(job(JobKind.FINAL, 2))
    assert [box.take(0).segment_id, box.take(0).segment_id] == [2, 3]


def test_a_running_partial_is_void_once_a_final_waits() -> None:
    box = JobBox()
    box.put_newest(job(JobKind.PARTIAL, 1))
    running = box.take(0)
    assert not box.is_void(running)
    box.put_final(job(JobKind.FINAL, 0))
    assert box.is_void(running)


def test_a_running_speculation_lives_on_if_the_final_is_the_same_audio() -> None:
    box = JobBox()
    box.put_newest(job(JobKind.SPECULATIVE, 1, end_frame=777))
    running = box.take(0)
    box.put_final(job(JobKind.FINAL, 1, end_frame=777))
    assert not box.is_void(running)
    box.put_final(job(JobKind.FINAL, 2, end_frame=999))
    assert box.is_void(running)


def test_speech_that_resumes_withdraws_the_speculation_waiting_or_running() -> None:
    box = JobBox()
    box.put_newest(job(JobKind.SPECULATIVE, 1))
    box.withdraw(1)
    assert box.take(0) is None
    box.put_newest(job(JobKind.SPECULATIVE, 1))
    running = box.take(0)
    box.withdraw(1)
    assert box.is_void(running)


def test_a_void_mark_does_not_outlive_its_job() -> None:
    box = JobBox()
    box.put_newest(job(JobKind.PARTIAL, 1))
    box.take(0)
    box.withdraw(1)
    box.put_newest(job(JobKind.PARTIAL, 1))
    assert not box.is_void(box.take(0))


def test_far_behind_partials_are_refused_and_speculation_is_not() -> None:
    box = JobBox()
    box.put_final(job(JobKind.FINAL, 1, 1.5))
    assert box.put_newest(job(JobKind.PARTIAL, 2))
    box.put_final(job(JobKind.FINAL, 2, 1.0))
    assert box.behind_s == pytest.approx(2.5)
    assert not box.put_newest(job(JobKind.PARTIAL, 3))
    assert box.put_newest(job(JobKind.SPECULATIVE, 3))


def test_the_running_final_counts_as_behind() -> None:
    box = JobBox()
    box.put_final(job(JobKind.FINAL, 1, 4.0))
    box.take(0)
    assert box.behind_s == pytest.approx(4.0)
    box.take(0)
    assert box.behind_s == 0


def test_a_final_is_pending_until_somebody_has_its_text() -> None:
    box = JobBox()
    box.put_final(gap_job(Gap(0.0, 1.0, LossCause.DEVICE)))
    box.put_final(job(JobKind.FINAL, 1, 4.0))
    box.put_final(job(JobKind.FINAL, 2, 4.0))
    for _ in range(4):
        box.take(0)
    assert box.pending_finals == 2
    box.settle()
    assert box.pending_finals == 1
    box.abandon()
    box.settle()
    assert box.pending_finals == 0


def test_a_final_given_up_for_the_backlog_is_not_pending() -> None:
    box = JobBox()
    for segment_id in range(3):
        box.put_final(job(JobKind.FINAL, segment_id, BACKLOG_LIMIT_S / 2))
    assert box.pending_finals == 2


def test_no_final_is_dropped_before_ten_minutes_and_then_the_oldest_leaves_a_gap() -> None:
    box = JobBox()
    for segment_id in range(int(BACKLOG_LIMIT_S / 30)):
        assert box.put_final(job(JobKind.FINAL, segment_id, 30)) == []
    dropped = box.put_final(job(JobKind.FINAL, 99, 30))
    assert [one.segment_id for one in dropped] == [0]
    gap = box.take(0)
    assert (gap.kind, gap.gap) == (JobKind.GAP, Gap(0.0, 30.0, LossCause.BACKLOG))
    assert box.take(0).segment_id == 1


def test_a_gap_keeps_its_place_between_the_finals() -> None:
    box = JobBox()
    box.put_final(job(JobKind.FINAL, 1))
    box.put_final(gap_job(Gap(1.0, 0.5, LossCause.DEVICE)))
    box.put_final(job(JobKind.FINAL, 2))
    assert [box.take(0).kind for _ in range(3)] == [JobKind.FINAL, JobKind.GAP, JobKind.FINAL]


def test_files_offered_to_a_closed_box_or_refused_are_told() -> None:
    box, answers = JobBox(), []
    box.put_file(job(JobKind.FILE, 0, deliver=answers.append))
    box.refuse_files(ValueError("no model"))
    box.close()
    box.put_file(job(JobKind.FILE, 1, deliver=answers.append))
    assert [type(answer) for answer in answers] == [ValueError, RecogniserClosed]


def test_files_wait_while_someone_speaks() -> None:
    box = JobBox()
    box.hold_files(True)
    box.put_file(job(JobKind.FILE, 0))
    assert box.take(0) is None
    box.hold_files(False)
    assert box.take(0).kind is JobKind.FILE


def test_closing_lets_the_finals_out_and_tells_the_files() -> None:
    box, answers = JobBox(), []
    box.put_final(job(JobKind.FINAL, 1))
    box.put_newest(job(JobKind.PARTIAL, 2))
    box.put_file(job(JobKind.FILE, 0, deliver=answers.append))
    box.close()
    assert box.take().segment_id == 1
    assert box.take() is None
    assert [type(answer) for answer in answers] == [RecogniserClosed]


def test_take_waits_for_another_thread() -> None:
    box, taken = JobBox(), []
    thread = threading.Thread(target=lambda: taken.append(box.take(30)))
    thread.start()
    box.put_final(job(JobKind.FINAL, 5))
    thread.join(30)
    assert [one.segment_id for one in taken] == [5]


def test_a_nudge_ends_the_wait_once() -> None:
    box = JobBox()
    box.nudge()
    assert box.take() is None
    box.put_final(job(JobKind.FINAL, 1))
    assert box.take().segment_id == 1


def test_abandoning_voids_even_the_running_final() -> None:
    box = JobBox()
    box.put_final(job(JobKind.FINAL, 1))
    box.put_final(job(JobKind.FINAL, 2))
    running = box.take()
    assert not box.is_exhausted
    box.abandon()
    assert box.is_void(running)
    assert box.is_exhausted
    assert box.take() is None
