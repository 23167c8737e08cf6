"""The letters of an instance that has no mail server: they lie in its log."""

import re

from tests.patience import wait_until
from tests.stack import Stack


def link_in_letter(house: Stack, email: str, path: str) -> str:
    """The link to this path in the latest letter to somebody."""

    def links() -> list[str]:
        lines = [line for line in house.log().splitlines() if '"mail"' in line and email in line]
        return [link for line in lines for link in re.findall(rf"http[^\s\\]+{path}\?token=[\w-]+", line)]

    return wait_until(links, reproach=house.log)[-1]
