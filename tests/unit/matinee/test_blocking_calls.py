"""The check that every test stands under: our code does not block the event loop that it runs in."""

from pathlib import Path

import pytest
from blockbuster import BlockingError

from matinee.small_files import write_whole


@pytest.mark.anyio
async def test_a_call_that_blocks_the_event_loop_is_caught(tmp_path: Path) -> None:
    with pytest.raises(BlockingError):
        write_whole(tmp_path / "file", "content")


def test_a_call_outside_an_event_loop_may_block(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "content")
    assert (tmp_path / "file").read_text() == "content"
