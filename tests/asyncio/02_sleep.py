# SPDX-License-Identifier: MIT
import asyncio
import time


async def say_after(delay, what):
    await asyncio.sleep(delay)
    print(what)


async def app():
    began = time.monotonic()
    print("started")
    await say_after(0.1, "hello")
    await say_after(0.2, "world")
    print("it took", "less" if time.monotonic() - began < 0.3 else "more", "than 300 ms")


asyncio.run(app())
