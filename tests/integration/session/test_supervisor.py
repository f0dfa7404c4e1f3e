"""Real processes: started when the one before is ready, stopped in reverse, none left behind whatever happens."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from support.desks import until

from atlas.domain import Unavailable
from atlas.session.supervisor import Process, Supervisor, tethered

# Says in a file that it is ready, then does as it is told.
WELL_BEHAVED = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
DEAF = "import pathlib, signal, sys; signal.signal(15, signal.SIG_IGN); pathlib.Path(sys.argv[1]).touch(); signal.pause()"
TELLS_WHEN_IT_ENDS = """
import pathlib, signal, sys, time
def end(*_):
    with open(sys.argv[2], "a") as story:
        print(pathlib.Path(sys.argv[1]).name, file=story)
    sys.exit(0)
signal.signal(15, end)
pathlib.Path(sys.argv[1]).touch()
while True:
    signal.pause()
"""
# Has a child that has a child; all are deaf. Their process ids are in the file.
DEAF_TREE = """
import os, pathlib, signal, sys
signal.signal(15, signal.SIG_IGN)
pids = [os.getpid()]
for _ in range(2):
    if os.fork():
        break
    pids.append(os.getpid())
if len(pids) == 3:
    pathlib.Path(sys.argv[1] + ".new").write_text(" ".join(map(str, pids)))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    signal.pause()
"""
ORPHAN = """
import os, pathlib, signal, sys
if os.fork() == 0:
    signal.signal(15, signal.SIG_IGN)
    pathlib.Path(sys.argv[1] + ".new").write_text(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        signal.pause()
signal.pause()
"""


def process(tmp_path, code, name="child", *arguments, ready=None, seconds=20.0, environment=None):
    """A Python process that is ready when it has made the file of its name."""
    mark = tmp_path / name

    async def exists():
        return mark.exists()

    command = [sys.executable, "-c", code, str(mark), *map(str, arguments)]
    return Process(name, command, ready or exists, environment or {}, seconds)


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until_gone(*pids):
    async def are_gone():
        return all(gone(pid) for pid in pids)

    await until(are_gone)


async def start_and_stop(folder, *processes):
    async with Supervisor(folder) as supervisor:
        for one in processes:
            await supervisor.start(one)


async def test_processes_end_in_the_reverse_order_of_their_start(tmp_path):
    async with Supervisor(tmp_path / "logs") as supervisor:
        for name in ("first", "second", "third"):
            await supervisor.start(process(tmp_path, TELLS_WHEN_IT_ENDS, name, tmp_path / "story"))
        pids = [one.pid for one in supervisor.processes]
    assert (tmp_path / "story").read_text().split() == ["third", "second", "first"]
    assert all(gone(pid) for pid in pids)
    assert supervisor.processes == []


async def test_the_next_process_starts_when_the_one_before_is_ready(tmp_path):
    answers = iter([False, False, True])
    asked = []

    async def third_time():
        asked.append(None)
        return next(answers)

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(process(tmp_path, WELL_BEHAVED, ready=third_time))
        assert len(asked) == 3


async def test_a_question_that_fails_means_not_ready_yet(tmp_path):
    answers = iter([Unavailable("nobody there"), Unavailable("still nobody"), None])

    async def at_last():
        answer = next(answers)
        if answer is not None:
            raise answer
        return True

    async with Supervisor(tmp_path) as supervisor:
        await supervisor.start(process(tmp_path, WELL_BEHAVED, ready=at_last))


async def test_a_process_that_dies_at_start_is_told_with_its_last_words_and_nothing_is_left(tmp_path):
    fails = "import sys; print('some line'); print('atlas: the port is taken', file=sys.stderr); sys.exit(2)"
    well, broken = process(tmp_path, WELL_BEHAVED, "well"), process(tmp_path, fails, "broken")
    with pytest.raises(Unavailable) as caught:
        await start_and_stop(tmp_path, well, broken)
    assert str(caught.value) == "broken ended with exit code 2: the port is taken"
    assert well.exit_code == -signal.SIGTERM


async def test_a_process_that_dies_while_the_question_hangs_is_told_at_once(tmp_path):
    begun = time.monotonic()
    broken = process(tmp_path, "import sys; sys.exit(3)", "broken", ready=asyncio.Event().wait)
    with pytest.raises(Unavailable, match="broken ended with exit code 3"):
        await start_and_stop(tmp_path, broken)
    assert time.monotonic() - begun < 10


async def test_a_process_that_died_without_a_word_is_told_with_its_log(tmp_path):
    with pytest.raises(Unavailable, match=rf"mute ended with exit code 7: see {tmp_path}/mute.log"):
        await start_and_stop(tmp_path, process(tmp_path, "import os; os._exit(7)", "mute"))


async def test_a_command_that_is_not_there_is_named(tmp_path):
    for command in (["/no/such/command"], tethered("/no/such/command")):
        with pytest.raises(Unavailable, match=r"ghost .*/no/such/command.*No such file or directory"):
            await start_and_stop(tmp_path, Process("ghost", command, asyncio.Event().wait))


async def test_a_process_that_is_never_ready_is_told_and_ended(tmp_path):
    slow = process(tmp_path, "import signal; signal.pause()", "slow", seconds=0.3)
    with pytest.raises(Unavailable, match=rf"slow was not ready within 0\.3 s; its log is {tmp_path}/slow\.log"):
        await start_and_stop(tmp_path, slow)
    assert slow.exit_code is not None


async def test_a_deaf_process_is_killed_after_its_grace(tmp_path):
    supervisor = Supervisor(tmp_path)
    deaf = process(tmp_path, DEAF)
    await supervisor.start(deaf)
    await supervisor.stop(grace_seconds=0.1)
    assert deaf.exit_code == -signal.SIGKILL


async def test_a_stopped_process_is_killed_after_its_grace(tmp_path):
    supervisor = Supervisor(tmp_path)
    frozen = process(tmp_path, TELLS_WHEN_IT_ENDS, "child", tmp_path / "story")
    await supervisor.start(frozen)
    os.kill(frozen.pid, signal.SIGSTOP)
    await supervisor.stop(grace_seconds=0.1)
    assert frozen.exit_code == -signal.SIGKILL


async def test_a_whole_tree_is_killed(tmp_path):
    supervisor = Supervisor(tmp_path)
    await supervisor.start(process(tmp_path, DEAF_TREE))
    pids = [int(pid) for pid in (tmp_path / "child").read_text().split()]
    assert len(pids) == 3
    await supervisor.stop(grace_seconds=0.1)
    await until_gone(*pids)


async def test_children_of_a_process_that_has_died_before_are_killed_too(tmp_path):
    supervisor = Supervisor(tmp_path)
    parent = process(tmp_path, ORPHAN)
    await supervisor.start(parent)
    child = int((tmp_path / "child").read_text())
    os.kill(parent.pid, signal.SIGKILL)
    await parent.handle.wait()
    assert supervisor.dead() == [parent]
    assert parent.obituary() == "child was killed by SIGKILL"
    assert not gone(child)
    await supervisor.stop()
    await until_gone(child)


async def test_a_process_gets_the_environment_it_is_given_and_no_settings_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("ATLAS_TRADER__ACCOUNT", "U7654321")
    monkeypatch.setenv("SOMETHING_ELSE", "stays")
    tells = (
        "import os, pathlib, signal, sys; pathlib.Path(sys.argv[2]).write_text(repr(dict(os.environ)));"
        "pathlib.Path(sys.argv[1]).touch(); signal.pause()"
    )
    async with Supervisor(tmp_path) as supervisor:
        told = tmp_path / "told"
        await supervisor.start(process(tmp_path, tells, "child", told, environment={"ATLAS_STATE_DIR": "/here"}))
    environment = eval(told.read_text())
    assert environment["ATLAS_STATE_DIR"] == "/here"
    assert environment["SOMETHING_ELSE"] == "stays"
    assert "ATLAS_TRADER__ACCOUNT" not in environment


async def test_the_output_of_every_run_of_a_process_is_kept(tmp_path):
    for word in ("one", "two"):
        async with Supervisor(tmp_path) as supervisor:
            (tmp_path / "child").unlink(missing_ok=True)
            await supervisor.start(process(tmp_path, f"print('{word}', flush=True);{WELL_BEHAVED}"))
    assert (tmp_path / "child.log").read_text().split() == ["one", "two"]


# The tether

SUPERVISES = """
import asyncio, pathlib, sys
from atlas.session.supervisor import Process, Supervisor, tethered

async def main():
    supervisor = Supervisor(pathlib.Path(sys.argv[1]))
    for name in ("first", "second"):
        mark = pathlib.Path(sys.argv[1]) / name
        child = "import os, pathlib, signal, sys; p = pathlib.Path(sys.argv[1]);"
        child += "p.with_suffix('.new').write_text(str(os.getpid())); p.with_suffix('.new').rename(p); signal.pause()"
        async def ready(mark=mark):
            return mark.exists()
        await supervisor.start(Process(name, tethered(sys.executable, "-c", child, str(mark)), ready))
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_supervisor_that_is_killed_leaves_no_children(tmp_path):
    command = [sys.executable, "-c", SUPERVISES, str(tmp_path)]
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert await parent.stdout.readline() == b"ready\n"
    children = [int((tmp_path / name).read_text()) for name in ("first", "second")]
    assert not any(gone(pid) for pid in children)
    parent.kill()
    await parent.wait()
    await until_gone(*children)


def test_a_tethered_command_whose_parent_is_gone_already_does_not_start(tmp_path):
    command = tethered(sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w')")
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the parent is gone already\n")
    assert not (tmp_path / "ran").exists()


def test_a_tethered_command_becomes_the_command():
    done = subprocess.run(tethered(sys.executable, "-c", "import sys; sys.exit(5)"), check=False)
    assert done.returncode == 5
