"""A document that somebody else wrote is read, or refused in the one way that stores expect."""

import json

import pytest

from ocr_rollout.stores.documents import decode


@pytest.mark.parametrize("text", ["", "{", '{"a": ' + "9" * 5_000 + "}", "[" * 100_000])
def test_what_cannot_be_decoded_is_one_kind_of_error(text):
    with pytest.raises(json.JSONDecodeError):
        decode(text)
