"""What people call the device that somebody signs in from."""

from ua_parser import Domain, parser

LONGEST_USER_AGENT = 512
LONGEST_DEVICE = 100
COMMAND_LINE = "matinee command line"


def device_name(user_agent: str) -> str:
    """Browser and system, such as `Firefox on Linux`, as far as a User-Agent (RFC 9110, 10.1.5) tells; else empty."""
    if user_agent.startswith("matinee/"):
        return COMMAND_LINE
    told = parser(user_agent[:LONGEST_USER_AGENT], Domain.USER_AGENT | Domain.OS)
    browser = told.user_agent.family if told.user_agent else ""
    system = told.os.family if told.os else ""
    return " on ".join(part for part in (browser, system) if part)[:LONGEST_DEVICE]
