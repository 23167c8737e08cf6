import asyncio

import pytest

from matinee.follower import following

pytestmark = pytest.mark.anyio


async def goes_on() -> None:
    await asyncio.Event().wait()


async def awaits_what_it_has_cancelled() -> None:
    task = asyncio.create_task(goes_on())
    task.cancel()
    await task


async def fails() -> None:
    raise ValueError("it failed")


async def test_work_that_somebody_cancels_is_cancelled() -> None:
    work = asyncio.create_task(following(goes_on()))
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait([work])
    assert work.cancelled()


async def test_a_task_group_hears_of_work_that_was_cancelled_by_nobody() -> None:
    with pytest.raises(ExceptionGroup) as found:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(following(awaits_what_it_has_cancelled()))
    [error] = found.value.exceptions
    assert "awaits_what_it_has_cancelled" in str(error)


async def test_work_that_fails_fails_as_ever() -> None:
    with pytest.raises(ValueError, match="it failed"):
        await following(fails())
