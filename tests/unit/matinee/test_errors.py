"""The errors of every room: what a status that comes over the wire stands for."""

import pytest

from matinee.errors import (
    Cancelled,
    Conflict,
    DataLoss,
    InvalidInput,
    MatineeError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    by_grpc,
    by_http,
)

KINDS = [
    MatineeError,
    InvalidInput,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    Conflict,
    ResourceExhausted,
    Unavailable,
    Cancelled,
    DataLoss,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_out_of_grpc_as_it_went_in(kind: type[MatineeError]) -> None:
    assert by_grpc(kind.status.grpc) is kind


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_an_error_comes_out_of_http_as_it_went_in(kind: type[MatineeError]) -> None:
    assert by_http(kind.status.http) is kind


def test_a_grpc_code_that_no_error_has_is_an_error_without_a_kind() -> None:
    assert by_grpc(12) is MatineeError


@pytest.mark.parametrize(("status", "kind"), [(413, InvalidInput), (502, MatineeError), (301, MatineeError)])
def test_an_http_status_that_no_error_has_counts_as_the_first_of_its_class(
    status: int, kind: type[MatineeError]
) -> None:
    assert by_http(status) is kind
