"""Both encodings beside DIRAC's own modules: the same bytes, the same values, the same failures."""

import datetime as dt
import re

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dirac_failover.wire.dencode import DecodeError

LIMITS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
HANGS = re.compile(rb"[su][^:]*-|e\+[^e]{4}", re.DOTALL)
"""Where DIRAC may read the same bytes for ever, or compute an endless power: not to be tried on it."""

texts = st.text() | st.text("abc/:e", max_size=150) | st.text(st.characters())
plain = st.none() | st.booleans() | st.integers() | st.floats() | texts
moments = st.dates() | st.times() | st.datetimes() | st.datetimes(timezones=st.just(dt.UTC))
odd = st.sampled_from([{1}, 1j, bytearray(b"x"), frozenset(), Ellipsis, dt.timedelta(1), "\ud800", "a\udfff"])


def nested(leaves, keys):
    """Values of every shape over these leaves."""
    return st.recursive(
        leaves, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner), max_leaves=25
    )


values = nested(plain | st.binary() | moments | odd, plain | st.binary() | moments | st.tuples(plain))


def outcome(function, *args):
    """What a call returns, or the class and the text of what it raises; of our error, what it says of DIRAC's."""
    try:
        return ("returned", repr(function(*args)))
    except DecodeError as error:
        return ("raised", error.dirac, str(error))
    except Exception as error:  # noqa: BLE001 - it is what is compared
        return ("raised", type(error), str(error))


def decoded(implementation, data):
    """The outcome for a caller that unpacks what it gets."""

    def unpack():
        value, consumed = implementation.DEncode.decode(data)
        return value, consumed

    return outcome(unpack)


def same_decoding(reference, dirac, data):
    """Decode on both sides and compare: one text is ours, and the depth that Python bears differs with the caller."""
    theirs, ours = decoded(dirac, data), decoded(reference, data)
    if theirs[1] is Exception or RecursionError in (theirs[1], ours[1]):
        theirs, ours = theirs[:2], ours[:2]
    assert ours == theirs


@LIMITS
@given(values)
def test_every_value_has_the_same_bytes_or_the_same_error(reference, dirac, value):
    assert outcome(reference.DEncode.encode, value) == outcome(dirac.DEncode.encode, value)


@LIMITS
@given(nested(plain | st.binary(), plain))
def test_each_side_reads_what_the_other_wrote(reference, dirac, value):
    for writer in (reference, dirac):
        try:
            data = writer.DEncode.encode(value)
        except UnicodeEncodeError:
            assume(False)
        same_decoding(reference, dirac, data + b"trailing")


@LIMITS
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from(list(b"lldtteeezaadniIffbss0123456:+.-_ \x80")), max_size=40).map(bytes)
)
@example(b"f1e+309e")
@example(b"dlei1ex")
@example(b"dlei1eie")
@example(b"ds1:ai1elei2ei3")
@example("s\u0663:abc".encode())
@example(b"i\x1c1e")
@example(b"s\x1c1:a")
@example(b"i\xa01e")
@example(b"f\xc2\xa01e")
@example(b"ls123x:e")
@example(b"ls123")
@example(b"ls9:e")
@example(b"zats10:abcdefghije")
@example(b"ztde")
@example(b"zts0:")
def test_any_bytes_are_read_alike(reference, dirac, data):
    """Whatever arrives: the same value and count, or the failure that we say DIRAC has, with DIRAC's text."""
    assume(not HANGS.search(data))
    same_decoding(reference, dirac, data)


@LIMITS
@given(st.data(), nested(plain, plain))
def test_damaged_bytes_are_read_alike(reference, dirac, data, value):
    try:
        whole = reference.DEncode.encode(value)
    except UnicodeEncodeError:
        assume(False)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 5)))
    damaged = whole[:start] + data.draw(st.binary(max_size=3)) + whole[end:]
    assume(not HANGS.search(damaged))
    same_decoding(reference, dirac, damaged)


@pytest.mark.parametrize("size", range(-12, 1))
def test_a_negative_size_at_the_top_is_read_alike(reference, dirac, size):
    same_decoding(reference, dirac, b"s%d:abcdefgh" % size)


@LIMITS
@given(nested(plain | st.binary() | moments | odd, plain | st.tuples(plain)))
def test_every_value_has_the_same_json_or_the_same_error(reference, dirac, value):
    ours = outcome(reference.JEncode.encode, value)
    assert ours == outcome(dirac.JEncode.encode, value)
    if ours[0] == "returned":
        text = reference.JEncode.encode(value)
        assert outcome(reference.JEncode.decode, text) == outcome(dirac.JEncode.decode, text)


@LIMITS
@given(
    st.text()
    | st.binary()
    | st.lists(
        st.sampled_from(["{", "}", "[", "]", ",", ":", '"__dCls"', '"dt"', '"b64"', '"obj"', '"/w=="', "1", "null"])
    ).map("".join)
    | st.builds(
        '{{"__dCls": "{}", "obj": "{}"}}'.format,
        st.sampled_from(["dt", "date", "b64", ""]),
        st.sampled_from(["2024-01-02", "2024-01-02 03:04:05", "2024-13-01", "/w", "/wA=", "é", ""]),
    )
)
def test_any_json_is_read_alike(reference, dirac, text):
    assert outcome(reference.JEncode.decode, text) == outcome(dirac.JEncode.decode, text)
