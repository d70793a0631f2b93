# SPDX-License-Identifier: MIT
import asyncio
import contextlib
import tempfile


@contextlib.asynccontextmanager
async def open_log():
    file = tempfile.TemporaryFile("w")
    try:
        yield file
    finally:
        print(f"closing the file after {file.tell()} bytes")
        file.close()


async def logger(lines):
    async with open_log() as file:
        for _ in range(lines):
            file.write("tick\n")
            await asyncio.sleep(0.01)
        print("done")


async def app():
    await asyncio.create_task(logger(3))
    task = asyncio.create_task(logger(1000))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")


asyncio.run(app())
