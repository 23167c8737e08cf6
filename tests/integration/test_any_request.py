"""Requests of every form that the published API describes, and of some that it does not: the fault is never ours."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from edge.bindings import bindings
from edge.openapi import openapi
from protos.comments import DESCRIPTORS, read_comments
from tests.playhouse import Playhouse, opened

pytestmark = pytest.mark.integration

EXAMPLES = 12
ENDLESS = ["NoticeService_WatchNotices", "NoticeService_TailEvents"]
SLOW = ["AuthService_RotateKeys"]  # takes two seconds each time, and has nothing to read

schema = schemathesis.openapi.from_dict(openapi(bindings(), read_comments(DESCRIPTORS.read_bytes())))
schema.config.generation.update(modes=list(GenerationMode))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, shared_database_url: str) -> Iterator[Playhouse]:
    """A house that runs beside the test, which is not asynchronous."""
    house = opened(tmp_path_factory.mktemp("house"), DATABASE__URL=shared_database_url)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(house) as running:
        yield running


@pytest.fixture(scope="module")
def known(house: Playhouse) -> dict[str, str]:
    """Identifiers of things that are there, by the names that paths have for them."""
    return {"title_id": house.title_id}


@schema.exclude(operation_id=[*ENDLESS, *SLOW]).parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_request_is_answered_with_a_server_error(
    case: "schemathesis.Case[Any]", house: Playhouse, known: dict[str, str]
) -> None:
    there = {} if case.method == "DELETE" else known
    for parameters in (case.path_parameters, {**case.path_parameters, **there}):
        case.path_parameters = {name: parameters[name] for name in case.path_parameters}
        answer = case.call(base_url=str(house.client.base_url), headers=house.bearer)
        case.validate_response(answer, checks=[not_a_server_error])
