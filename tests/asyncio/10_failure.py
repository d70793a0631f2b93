# SPDX-License-Identifier: MIT
import asyncio
import errno


async def divide(number, by):
    await asyncio.sleep(0.01)
    if by == 0:
        raise OSError(errno.EDOM, f"{number} / 0 has no result")
    return number // by


async def halve_and_divide():
    half = await asyncio.create_task(divide(84, 2))
    print("84 / 2 =", half)
    return await asyncio.create_task(divide(half, 0))


async def bystander():
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("bystander: cancelled")
        raise


async def app():
    try:
        await asyncio.create_task(halve_and_divide())
    except OSError as error:
        print(f"{errno.errorcode[error.errno]}: {error.strerror}")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(bystander())
            group.create_task(divide(7, 0))
    except* OSError as errors:
        print("group:", errors.exceptions[0].strerror)


asyncio.run(app())
