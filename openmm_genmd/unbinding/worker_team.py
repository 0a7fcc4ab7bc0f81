"""Jobs for several processes, any of which may die: `run_jobs`."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int
) -> Generator[Result, None, None]:
    """Results of all jobs, each as soon as it is there.

    Close the iterator if you leave it early: it then ends the processes in the midst of what they
    do. They end by themselves when this process dies, and leave interrupts from the keyboard to it.

    Parameters
    ----------
    work
        Does one job. With several workers it must be picklable, each has a copy of its own, and
        the calling script needs ``if __name__ == "__main__":``.
    jobs
        What is to be done, in the order in which it is begun.
    workers
        Processes; 1 works in this one.

    Raises
    ------
    RuntimeError
        If a process dies.
    Exception
        Whatever a job raises.

    Examples
    --------
    >>> list(run_jobs(lambda job: job**2, [1, 2, 3], workers=1))
    [1, 4, 9]
    """
    if min(workers, len(jobs)) <= 1:
        yield from map(work, jobs)
        return
    waiting, team = deque(jobs), dict[Connection, BaseProcess]()
    try:
        for _ in range(min(workers, len(jobs))):
            connection, process = _hire(work)
            team[connection] = process
            _give(connection, process, waiting.popleft())
        busy = list(team)
        while busy:
            for ready in wait(busy):
                assert isinstance(ready, Connection)
                yield _received(ready, team[ready])
                if waiting:
                    _give(ready, team[ready], waiting.popleft())
                else:
                    busy.remove(ready)
    finally:
        for process in team.values():
            process.terminate()
        for connection, process in team.items():
            process.join()
            connection.close()


def end_if_left_behind() -> None:
    """End a process whose parent died: whoever resumes the run goes on with its job.

    Long jobs call it now and then; between jobs a process ends by itself.

    Raises
    ------
    SystemExit
        If the parent is dead.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise SystemExit(1)


def _hire(work: Callable[[Job], Result]) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    process.start()
    # The process then has the only copy, and its death closes the pipe.
    there.close()
    return here, process


def _serve(connection: Connection, work: Callable[[Job], Result]) -> None:
    """Do what comes, until nothing can come any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            connection.send(_tried(work, connection.recv()))
    except (EOFError, OSError):
        return


def _tried(work: Callable[[Job], Result], job: Job) -> tuple[Result | None, Exception | None]:
    try:
        return work(job), None
    except Exception as error:
        # Whatever its type, it is raised again where the results are awaited.
        return None, error


def _give(connection: Connection, process: BaseProcess, job: object) -> None:
    try:
        connection.send(job)
    except OSError:
        raise _death(process) from None


def _received(connection: Connection, process: BaseProcess) -> Any:
    try:
        result, error = connection.recv()
    except (EOFError, OSError):
        raise _death(process) from None
    if error is not None:
        raise error
    return result


def _death(process: BaseProcess) -> RuntimeError:
    process.join()
    return RuntimeError(
        f"a worker process died (exit code {process.exitcode}; -9 is what it has when memory ran "
        "out); what was finished is kept: go on with --resume, and fewer workers"
    )
