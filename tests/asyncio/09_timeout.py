# SPDX-License-Identifier: MIT
import asyncio
import contextlib


async def slow_work():
    await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)


async def try_it(what, *timeouts):
    try:
        async with contextlib.AsyncExitStack() as scopes:
            for timeout in timeouts:
                await scopes.enter_async_context(asyncio.timeout(timeout))
            await slow_work()
        print(f"{what}: done in time")
    except TimeoutError:
        print(f"{what}: timed out")


async def app():
    await try_it("10 s", 10)
    await try_it("70 ms", 0.07)
    await try_it("10 s within 20 ms", 0.02, 10)
    await try_it("afterwards")


asyncio.run(app())
