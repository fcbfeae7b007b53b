"""Errors, as they go to clients and to other processes."""

from models.errors import InvalidRequest
from workers import protocol
from workers.protocol import Failed


def test_what_is_no_unicode_in_a_message_is_replaced() -> None:
    """Names of files and texts in them may hold anything; an error about them must reach its reader."""
    error = InvalidRequest("there is '\udcff\ud800.bin'", param="model_path")

    assert error.message == "there is '??.bin'"
    assert protocol.pack(Failed(error.to_wire(), permanent=True))


def test_an_error_about_a_field_is_told_with_the_clients_name_of_it() -> None:
    error = InvalidRequest("'image' is no picture", param="image", retry_after=2)
    renamed = error.renamed("image", "input_reference")

    assert type(renamed) is InvalidRequest
    assert (renamed.message, renamed.param) == ("'input_reference' is no picture", "input_reference")
    assert renamed.retry_after == 2
    assert error.renamed("mask", "x") is error
