# SPDX-License-Identifier: MIT
import asyncio
import time

STEP = 1 / 3


async def factorial(name, number):
    product = 1
    for i in range(2, number + 1):
        print(f"Task {name}: Compute factorial({number}), currently i={i}...")
        await asyncio.sleep(STEP)
        product *= i
    print(f"Task {name}: factorial({number}) = {product}")
    return product


async def app():
    began = time.monotonic()
    print(await asyncio.gather(factorial("A", 2), factorial("B", 3), factorial("C", 4)))
    print(f"about {time.monotonic() - began:.0f} s")


asyncio.run(app())
