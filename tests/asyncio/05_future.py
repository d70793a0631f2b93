# SPDX-License-Identifier: MIT
import asyncio


async def set_after(future, delay, text):
    await asyncio.sleep(delay)
    future.set_result(text)


async def app():
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(set_after(future, 0.1, "world"))
    print("hello ...")
    print("...", await future)
    try:
        future.set_result(None)
    except asyncio.InvalidStateError:
        print("it is set for good")
    await task


asyncio.run(app())
