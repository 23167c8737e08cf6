"""buf, from npm, over the real protos: they are well formed, and break nobody who uses the last release.

And the schema of AsyncAPI, from npm too, over the document that is made of the events among them.
"""

import json
from pathlib import Path

import jsonschema
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from control.events.asyncapi import text
from protos.lint import ASYNCAPI, RELEASED, breaking, compile_image, install, lint

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    install()
    image = tmp_path_factory.mktemp("image") / "image.binpb"
    compile_image(image)
    return image


def test_the_protos_keep_the_rules(image: Path) -> None:
    assert lint(image) == 0


def test_the_protos_break_nobody(image: Path) -> None:
    assert breaking(image) == 0


def test_a_field_that_changes_its_number_is_noticed(image: Path, tmp_path: Path) -> None:
    released = FileDescriptorSet.FromString(RELEASED.read_bytes())
    message = next(file for file in released.file if file.name == "protos/v1/auth.proto").message_type[0]
    message.field[0].number = 99
    other = tmp_path / "other.binpb"
    other.write_bytes(released.SerializeToString())
    assert breaking(image, other) != 0


@pytest.mark.usefixtures("image")
def test_the_document_of_the_events_is_valid_asyncapi_3() -> None:
    schema = json.loads(ASYNCAPI.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(json.loads(text()))] == []
    assert not validator.is_valid({**json.loads(text()), "asyncapi": "2.0.0"})
