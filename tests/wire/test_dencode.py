import datetime as dt
import pickle
from collections import OrderedDict, defaultdict
from enum import IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.wire import dencode
from dirac_failover.wire.dencode import DecodeError

ENCODED = [
    (1, b"i1e"), (-5, b"i-5e"), (2**70, b"i1180591620717411303424e"), (True, b"b1"), (False, b"b0"), (None, b"n"),
    (1.5, b"f1.5e"), (1e-7, b"f1e-07e"), (1e16, b"f1e+16e"), (float("inf"), b"finfe"), ("", b"s0:"),
    ("abc", b"s3:abc"), ("é€", b"s5:\xc3\xa9\xe2\x82\xac"), ("x" * 10, b"s10:" + b"x" * 10),
    ("y" * 100, b"s100:" + b"y" * 100), ("z" * 1000, b"s1000:" + b"z" * 1000), ([], b"le"), ((), b"te"),
    ({}, b"de"), ([1, "a"], b"li1es1:ae"), (["é", b"b".decode()], b"ls2:\xc3\xa9s1:be"), ((1,), b"ti1ee"),
    ({"a": 1, 2: None}, b"ds1:ai1ei2ene"), ({"k": [(1, {"n": "x"})]}, b"ds1:klti1eds1:ns1:xeeee"),
    ({(1, "t"): "v"}, b"dti1es1:tes1:ve"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, 678901), b"zati2024ei1ei2ei3ei4ei5ei678901ene"),
    (dt.date(2024, 1, 2), b"zdti2024ei1ei2ee"), (dt.time(3, 4, 5, 678901), b"ztti3ei4ei5ei678901ene"),
]  # fmt: skip
ENCODED_ONLY = [(b"by\xff", b"s3:by\xff"), ([b""], b"ls0:e"), (float("nan"), b"fnane")]
DECODED_ONLY = [
    (b"I7e", 7, 3), (b"u3:abc", "abc", 6), (b"s3:by\xff", "by\udcff", 6), (b"ls3:by\xffe", ["by\udcff"], 8),
    (b"lu1:ae", ["a"], 6), (b"i1etrailing", 1, 3), (b"s3:ab", "ab", 6), (b"b7", True, 2), (b"bx", True, 2),
    (b"i 12 e", 12, 6), (b"i1_0e", 10, 5), (b"s 2:ab", "ab", 6), (b"s+2:ab", "ab", 6), (b"s02:ab", "ab", 6),
    ("s٢:ab".encode(), "ab", 6),  # any script's digits
    (b"ls2:abs1:\x1fe", ["ab", "\x1f"], 11), (b"s-1:abc", "", 3), (b"s-3:abcdef", "", 1),
    (b"s-6:abcdefgh", "abcdef", -2), (b"f1e300e", 1.0, 3), (b"f1.1e-10e", 1.1 * 10**-10, 9), (b"f5e-324e", 0.0, 8),
    (b"f1e-400e", 0.0, 8), (b"f1e+308e", 1e308, 8), (b"f1e+2e", 100.0, 6), (b"f-1.5e", -1.5, 6), (b"f1e", 1.0, 3),
    (b"ds1:ai1es1:ai2ee", {"a": 2}, 16), (b"di1ei2eb1i3ee", {1: 3}, 13),
    (b"zdli2024ei1ei2ee", dt.date(2024, 1, 2), 16), (b"ztte", dt.time(0), 4), (b"ztle!", dt.time(0), 4),
    (b"lztteztlee", [dt.time(0), dt.time(0)], 10),
]  # fmt: skip
MALFORMED = [
    (b"", ValueError), (b"ie", ValueError), (b"iabce", ValueError), (b"fxe", ValueError),
    (b"f1e-xe", ValueError), (b"s:abc", ValueError), (b"i1", ValueError), (b"I5", ValueError),
    (b"f1.5", ValueError), (b"f1e+5", ValueError), (b"s3abc", ValueError),
    (b"s\xff:abc", UnicodeDecodeError), (b"f\xffe", UnicodeDecodeError), (b"i\xffe", ValueError),
    (b"ti1eli2exe", KeyError), (b"ls3:abcie", ValueError), (b"li1es", ValueError), (b"b", IndexError),
    (b"l", IndexError), (b"li1e", IndexError), (b"ls3:ab", IndexError),
    (b"ls99999999999999999999:", IndexError), (b"ds1:a", IndexError), (b"z", IndexError),
    (b"za", IndexError), (b"x", KeyError), (b" i1e", KeyError), (b"zaq", KeyError),
    (b"ls-1:abc", KeyError), (b"ls-2:abc", KeyError), (b"ls-3:abc", KeyError), (b"d1:ae", KeyError),
    (b"ds1:ae", KeyError), (b"di1ei2ei3ee", KeyError), (b"dlei1ee", TypeError),
    (b"dtleei1ee", TypeError), (b"dlei1ex", TypeError), (b"dleix", ValueError), (b"dlex", KeyError),
    (b"dlee", KeyError), (b"zxti1ee", Exception), (b"zdti2024ei13ei1ee", ValueError),
    (b"lzdni1ee", TypeError), (b"zate", TypeError), (b"f1e+309e", OverflowError),
    (b"f0e+309e", OverflowError),
]  # fmt: skip


class Number(IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


TOO_MANY_DIGITS = (
    "Exceeds the limit (4300 digits) for integer string conversion; "
    "use sys.set_int_max_str_digits() to increase the limit"
)
SURROGATE = "'utf-8' codec can't encode character '{}' in position {}: surrogates not allowed"
UNENCODABLE = [
    ({1}, KeyError, "<class 'set'>"),
    ([1j], KeyError, "<class 'complex'>"),
    (bytearray(b"a"), KeyError, "<class 'bytearray'>"),
    (defaultdict(list), KeyError, "<class 'collections.defaultdict'>"),
    ((OrderedDict(),), KeyError, "<class 'collections.OrderedDict'>"),
    ({"k": frozenset()}, KeyError, "<class 'frozenset'>"),
    ({frozenset(): "v"}, KeyError, "<class 'frozenset'>"),
    (Number.ONE, KeyError, str(KeyError(Number))),
    ([Text("a")], KeyError, str(KeyError(Text))),
    (dt.datetime(2024, 1, 2, tzinfo=dt.UTC), KeyError, "<class 'datetime.timezone'>"),
    (dt.time(1, tzinfo=dt.UTC), KeyError, "<class 'datetime.timezone'>"),
    ("a\udcff", UnicodeEncodeError, SURROGATE.format(r"\udcff", 1)),
    ({"k": "\ud800"}, UnicodeEncodeError, SURROGATE.format(r"\ud800", 0)),
    ([10**5000], ValueError, TOO_MANY_DIGITS),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, min_value=-1e6, max_value=1e6).map(lambda number: round(number, 3))
    | st.text()
    | st.dates()
    | st.times().map(lambda time: time.replace(fold=0))
    | st.datetimes().map(lambda time: time.replace(fold=0))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.text(), st.none()), inner)
    ),
    max_leaves=30,
)


def failure(implementation, data):
    """What a caller that unpacks the answer gets from ``data``."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its class and text are what is compared
        _value, _consumed = implementation.DEncode.decode(data)
    return caught.value


def same(left, right):
    """Equal, and of equal types all the way down."""
    return repr(left) == repr(right)


@pytest.mark.parametrize(("value", "data"), ENCODED + ENCODED_ONLY)
def test_a_value_has_these_bytes(implementation, value, data):
    assert implementation.DEncode.encode(value) == data


@pytest.mark.parametrize(
    ("data", "value", "consumed"),
    [*((data, value, len(data)) for value, data in ENCODED), *DECODED_ONLY, (bytearray(b"ls1:ai7ee"), ["a", 7], 9)],
)
def test_bytes_have_this_value(implementation, data, value, consumed):
    found, taken = implementation.DEncode.decode(data)
    assert same(found, value)
    assert taken == consumed


@pytest.mark.parametrize(("value", "error", "text"), UNENCODABLE)
def test_what_cannot_be_encoded_says_so_in_these_words(implementation, value, error, text):
    with pytest.raises(error) as caught:
        implementation.DEncode.encode(value)
    assert type(caught.value) is error
    assert str(caught.value) == text


def test_a_loop_cannot_be_encoded(implementation):
    loop = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        implementation.DEncode.encode(loop)


TEXTS = {
    b"iabce": "invalid literal for int() with base 10: b'abc'",
    b"i1": "subsection not found",
    b"s:a": "invalid literal for int() with base 10: ''",
    b"sx:a": "invalid literal for int() with base 10: 'x'",
    b"f1.5": "subsection not found",
    b"fxe": "could not convert string to float: 'x'",
    b"zdti2024ei13ei1ee": "month must be in 1..12",
    b"": "not enough values to unpack (expected 2, got 0)",
    b"x": "120",
    b"ds1:ae": "101",
}
REFUSED = [
    *MALFORMED,
    *(("", ValueError), (None, TypeError), ("i1e", NotImplementedError), (7, NotImplementedError)),
    pytest.param(b"l" * 5000 + b"e" * 5000, RecursionError, id="levels"),
    pytest.param(b"i" + b"9" * 5000 + b"e", ValueError, id="digits"),
]


@pytest.mark.parametrize(("data", "error"), REFUSED)
def test_what_cannot_be_decoded_is_this_error_in_dirac(implementation, data, error):
    """The reference names the class that DIRAC raises, and its callers for empty input."""
    caught = failure(implementation, data)
    assert getattr(caught, "dirac", type(caught)) is error
    if implementation.name == "reference":
        assert caught.args == (str(caught), error)


@pytest.mark.parametrize(("data", "text"), TEXTS.items())
def test_the_text_of_an_error_is_diracs(implementation, data, text):
    assert str(failure(implementation, data)).startswith(text)


def test_an_error_keeps_its_cause_and_survives_pickling():
    with pytest.raises(DecodeError) as caught:
        dencode.decode(b"li1eie")
    assert isinstance(caught.value.__cause__, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(again), again.dirac, str(again)) == (
        DecodeError, ValueError, "invalid literal for int() with base 10: b''",
    )  # fmt: skip


BACK = "a negative size leads back to what has been read"
"""Where DIRAC reads the same bytes again without end, the reference refuses at once."""


@pytest.mark.parametrize(
    ("data", "text", "error"),
    [
        (b"f1e+99999999999999999999e", "int too large to convert to float", OverflowError),
        (b"zxti1ee", "120 is not a kind of datetime", Exception),
        ("i1e", "str is not bytes", NotImplementedError),
        *((data, BACK, MemoryError) for data in (b"ls-4:abce", b"li1es-5:e", b"ds1:as-8:e", b"lls-5:ee", b"lf1es-9:")),
    ],
)
def test_what_has_no_end_a_kind_of_datetime_and_another_type_are_named(data, text, error):
    with pytest.raises(DecodeError, match=rf"^{text}$") as caught:
        dencode.decode(data)
    assert caught.value.dirac is error


def test_hundreds_of_levels_are_fine():
    value, consumed = dencode.decode(b"l" * 500 + b"e" * 500)
    assert consumed == 1000
    for _ in range(499):
        (value,) = value
    assert value == []


@settings(deadline=None, max_examples=60)
@given(values)
def test_a_value_comes_back_as_it_was(value):
    data = dencode.encode(value)
    found, consumed = dencode.decode(data + b"e")
    assert same(found, value)
    assert consumed == len(data)


@settings(deadline=None, max_examples=150)
@given(st.binary() | st.lists(st.sampled_from(list(b"ldtezadsniIfub0123456789:+-.")), max_size=40).map(bytes))
def test_anything_is_a_value_or_a_decode_error(data):
    try:
        _, consumed = dencode.decode(data)
    except DecodeError as error:
        known = (issubclass(error.dirac, Exception), int, type(error.reason))
    else:
        known = (True, type(consumed), str)
    assert known == (True, int, str)
