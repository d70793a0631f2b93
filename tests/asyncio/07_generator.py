# SPDX-License-Identifier: MIT
import asyncio
import contextlib


async def ticker(to):
    try:
        for i in range(to):
            await asyncio.sleep(0.01)
            yield i
    finally:
        print("ticker: cleaned up")


async def app():
    async for i in ticker(3):
        print("tick", i)
    async with contextlib.aclosing(ticker(1000)) as ticks:
        async for i in ticks:
            print("tick", i)
            if i == 1:
                break
    print("done")


asyncio.run(app())
