# SPDX-License-Identifier: MIT
import asyncio
import time

lines = 0


async def say_after(delay, what):
    global lines
    await asyncio.sleep(delay)
    lines += 1
    print(f"{lines}: {what}")
    return len(what)


async def app():
    began = time.monotonic()
    slow = asyncio.create_task(say_after(0.4, "world"))
    fast = asyncio.create_task(say_after(0.2, "hello,"))
    print("started")
    letters = await slow
    letters += await fast
    print(letters, "letters")
    print("it took", "less" if time.monotonic() - began < 0.6 else "more", "than 600 ms")


asyncio.run(app())
