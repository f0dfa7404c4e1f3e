"""A demonstration that cannot go on says why in one line, and leaves nothing behind."""

import asyncio
import signal

import psutil
from support.desks import until
from support.servers import COMMANDS, environment, free_port, occupied


async def demo(folder, *arguments):
    return await asyncio.create_subprocess_exec(
        str(COMMANDS / "atlas"), "demo", "--json", "--folder", str(folder), *arguments,
        env=environment(), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def parts_of(process):
    return psutil.Process(process.pid).children(recursive=True)


async def part(process, words):
    """The part of a running desk whose command line has these words, once it is there."""

    async def find():
        return next((one for one in parts_of(process) if words in " ".join(one.cmdline())), None)

    return await until(find, 30.0, f"a part with {words!r}")


async def assert_refused(process, parts, *words):
    """It exited with 2, and told why in one line, its last; nothing of it runs any more."""
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    told = errors.decode().splitlines()[-1]
    assert told.startswith("atlas: ")
    assert all(word in told for word in words), told
    assert not [one for one in parts if one.is_running()]


async def test_a_port_that_is_taken_is_named_and_what_was_started_is_ended(tmp_path):
    port = free_port()
    with occupied(port):
        process = await demo(tmp_path, "--http-port", str(port))
        parts = [await part(process, "run watcher")]
        await assert_refused(process, parts, f"monitor ended with exit code 2: the port 127.0.0.1:{port} cannot be used")


async def test_a_stop_while_it_starts_ends_what_was_started(tmp_path):
    process = await demo(tmp_path)
    parts = [await part(process, "nx-27017"), *parts_of(process)]
    process.send_signal(signal.SIGINT)
    await assert_refused(process, parts, "stopped before the desk was up")


async def test_a_part_that_is_killed_while_it_runs_is_named(tmp_path):
    process = await demo(tmp_path)
    await until_up(tmp_path)
    victim = await part(process, "gateway simulate")
    parts = parts_of(process)
    victim.kill()
    await assert_refused(process, parts, "gateway was killed by SIGKILL")


async def until_up(folder):
    """The monitor is the last part that is started."""
    log = folder / "logs" / "monitor.log"

    async def is_up():
        return log.exists() and '"started"' in log.read_text()

    await until(is_up, 30.0, "the desk")
