# SPDX-License-Identifier: MIT
import asyncio
import time


async def work():
    print("working")


async def app():
    second = work()
    try:
        asyncio.run(second)
    except RuntimeError:
        second.close()
        print("a second runtime: refused")
    await asyncio.create_task(work())


refused = work()
try:
    asyncio.create_task(refused)
except RuntimeError:
    refused.close()
    print("a task outside a runtime: refused")
try:
    asyncio.current_task()
except RuntimeError:
    print("there is no current task")
asyncio.run(app())
print("the runtime has ended")
time.sleep(0.001)
