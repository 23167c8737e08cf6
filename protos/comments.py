"""The comments of the protos, by the full name of what they describe; they are the API's documentation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

import protos.v1

DESCRIPTORS = Path(protos.v1.__file__).with_name("descriptors.binpb")


def read_comments(descriptors: bytes) -> dict[str, str]:
    """Every leading comment in a FileDescriptorSet with source information, each as one line."""
    files = FileDescriptorSet.FromString(descriptors).file
    return {f"{file.package}.{name}": text for file in files for name, text in _comments(file)}


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        name = _name(file, location.path)
        if name and location.leading_comments:
            yield name, " ".join(location.leading_comments.split())


def _name(file: FileDescriptorProto, path: Sequence[int]) -> str | None:
    """What a location's path points at; its numbers are the fields of descriptor.proto."""
    match list(path):
        case [4, message]:
            return file.message_type[message].name
        case [4, message, 2, field]:
            return f"{file.message_type[message].name}.{file.message_type[message].field[field].name}"
        case [5, enum]:
            return file.enum_type[enum].name
        case [6, service]:
            return file.service[service].name
        case [6, service, 2, method]:
            return f"{file.service[service].name}.{file.service[service].method[method].name}"
    return None
