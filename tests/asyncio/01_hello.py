# SPDX-License-Identifier: MIT
import asyncio


async def app(name):
    print(f"hello, {name}")


asyncio.run(app("world"))
