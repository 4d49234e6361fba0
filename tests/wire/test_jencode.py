import datetime as dt
import json
import sys
from enum import IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_failover.wire import jencode
from dirac_failover.wire.dencode import DecodeError


class Level(IntEnum):
    HIGH = 3


ENCODED = [
    ([77, "a", None, True, 1.5], '[77, "a", null, true, 1.5]', [77, "a", None, True, 1.5]),
    ((1, (2,)), "[1, [2]]", [1, [2]]),
    ("é€", '"\\u00e9\\u20ac"', "é€"),
    ("\udcff", '"\\udcff"', "\udcff"),
    ({1: 2, None: 3, False: 4, 1.5: 5}, '{"1": 2, "null": 3, "false": 4, "1.5": 5}',
     {"1": 2, "null": 3, "false": 4, "1.5": 5}),
    ({"k": {"n": []}}, '{"k": {"n": []}}', {"k": {"n": []}}),
    (Level.HIGH, "3", 3),
    (dt.datetime(2024, 1, 2, 3, 4, 5, 678901, dt.UTC), '{"__dCls": "dt", "obj": "2024-01-02 03:04:05"}',
     dt.datetime(2024, 1, 2, 3, 4, 5)),
    (dt.date(2024, 1, 2), '{"__dCls": "date", "obj": "2024-01-02"}', dt.date(2024, 1, 2)),
    ([b"\xff\x00"], '[{"__dCls": "b64", "obj": "/wA="}]', [b"\xff\x00"]),
]  # fmt: skip
DECODED_ONLY = [
    (b'{"a": 1}', {"a": 1}), ('{"__dCls": null, "a": 1}', {"a": 1}), ('{"__dCls": ""}', {}),
    ('{"__dCls": [], "a": 1}', {"a": 1}), ('{"a": 1, "a": 2}', {"a": 2}), (' "a" ', "a"),
    ('{"__dCls": "b64", "obj": "/w!A="}', b"\xff\x00"), ("Infinity", float("inf")),
]  # fmt: skip
MALFORMED = [
    ("", json.JSONDecodeError), ("[1, }", json.JSONDecodeError), ("[1] x", json.JSONDecodeError),
    (None, TypeError), (b"\xff", UnicodeDecodeError), ('{"__dCls": "dt", "obj": "yesterday"}', ValueError),
    ('{"__dCls": "dt", "obj": 5}', TypeError), ('{"__dCls": "dt"}', KeyError),
    ('{"__dCls": "date", "obj": "2024-13-01"}', ValueError), ('{"__dCls": "Request"}', KeyError),
    ('{"__dCls": ["dt"], "obj": "x"}', KeyError), ('{"__dCls": "JSONDecoder", "__dMod": "json"}', TypeError),
    ('[{"__dCls": "join", "__dMod": "os.path"}]', TypeError), ("[" * 100_000, RecursionError),
    ("[1" + "0" * 5000 + "]", ValueError),
]  # fmt: skip


class Sent(jencode.JSerializable):
    _attrToSerialize = ["name", "when", "absent", "nothing"]  # noqa: RUF012 - as classes of DIRAC have it

    def __init__(self):
        self.name = "unset"
        self.nothing = None


class Silent(jencode.JSerializable):
    pass


@pytest.mark.parametrize(("value", "text"), [row[:2] for row in ENCODED])
def test_a_value_has_this_text(implementation, value, text):
    assert implementation.JEncode.encode(value) == text


@pytest.mark.parametrize(("text", "value"), [row[1:] for row in ENCODED] + DECODED_ONLY)
def test_a_text_has_this_value(implementation, text, value):
    found, consumed = implementation.JEncode.decode(text)
    assert repr(found) == repr(value)
    assert consumed == len(text)


def test_what_is_not_a_number_is_written_as_such(implementation):
    assert implementation.JEncode.encode([float("nan"), float("inf"), float("-inf")]) == "[NaN, Infinity, -Infinity]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1}, "Object of type set is not JSON serializable"),
        (dt.time(1), "Object of type time is not JSON serializable"),
        (ValueError("x"), "Object of type ValueError is not JSON serializable"),
        ({(1,): 2}, "keys must be str, int, float, bool or None, not tuple"),
    ],
)
def test_what_has_no_json_says_so_in_these_words(implementation, value, text):
    with pytest.raises(TypeError) as caught:
        implementation.JEncode.encode([value])
    assert str(caught.value) == text


def test_a_loop_has_no_json(implementation):
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="Circular reference detected"):
        implementation.JEncode.encode(loop)


@pytest.mark.parametrize(("text", "error"), MALFORMED, ids=range(len(MALFORMED)))
def test_what_cannot_be_decoded_says_what_dirac_raises(implementation, text, error):
    with pytest.raises((DecodeError, error)) as caught:
        implementation.JEncode.decode(text)
    assert getattr(caught.value, "dirac", type(caught.value)) is error
    if implementation.name == "reference":
        assert isinstance(caught.value, DecodeError)
        assert isinstance(caught.value.__cause__, error)
        assert str(caught.value) == str(caught.value.__cause__)


def test_a_class_that_is_not_known_is_named():
    with pytest.raises(DecodeError, match=r"^JSONDecoder is not a class that can be decoded here$"):
        jencode.decode('{"__dCls": "JSONDecoder", "__dMod": "json"}')


def test_no_module_is_imported_for_a_message():
    """A message that names a module does not make it run, where DIRAC imports it."""
    assert "antigravity" not in sys.modules
    with pytest.raises(DecodeError):
        jencode.decode('{"__dCls": "fly", "__dMod": "antigravity"}')
    assert "antigravity" not in sys.modules


def test_an_object_is_sent_as_its_attributes_and_made_anew():
    sent = Sent()
    sent.name = "seven"
    sent.when = dt.date(2024, 1, 2)
    text = jencode.encode([sent])
    assert text == json.dumps(
        [{"__dCls": "Sent", "__dMod": __name__, "name": "seven", "when": {"__dCls": "date", "obj": "2024-01-02"}}]
    )
    (found,), _ = jencode.decode(text)
    assert type(found) is Sent
    assert vars(found) == {"name": "seven", "nothing": None, "when": dt.date(2024, 1, 2)}


def test_an_attribute_that_is_null_keeps_what_the_object_has():
    found, _ = jencode.decode(json.dumps({"__dCls": "Sent", "__dMod": __name__, "name": None, "more": 0}))
    assert vars(found) == {"name": "unset", "nothing": None, "more": 0}


def test_a_class_may_have_other_bases_with_wishes_of_their_own():
    heard = []

    class Base:
        def __init_subclass__(cls, wish):
            heard.append((cls.__name__, wish))

    class Both(jencode.JSerializable, Base, wish=7):
        pass

    assert heard == [("Both", 7)]
    assert type(jencode.decode(f'{{"__dCls": "Both", "__dMod": "{__name__}"}}')[0]) is Both


def test_an_object_that_does_not_say_what_to_send_is_refused():
    with pytest.raises(TypeError, match=r"^Silent does not say what to send: it has no _attrToSerialize$"):
        jencode.encode(Silent())


def test_a_module_that_cannot_be_a_key_is_an_error():
    with pytest.raises(DecodeError) as caught:
        jencode.decode('{"__dCls": "Sent", "__dMod": []}')
    assert caught.value.dirac is TypeError


@pytest.mark.parametrize(("name", "keys"), [("strToIntDict", [1, 2]), ("strToFloatDict", [1.5, 2.0])])
def test_keys_become_numbers_again(implementation, name, keys):
    found = getattr(implementation.JEncode, name)({str(key): [key] for key in keys})
    assert repr(found) == repr({key: [key] for key in keys})


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.binary()
        | st.dates(dt.date(1000, 1, 1)),
        lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "__dCls"), inner),
        max_leaves=20,
    )
)
def test_a_value_comes_back_as_it_was(value):
    text = jencode.encode(value)
    assert jencode.decode(text) == (value, len(text))


@settings(deadline=None, max_examples=150)
@given(st.text() | st.binary() | st.lists(st.sampled_from('{}[]",:01 "__dCls""dt""obj"'), max_size=30).map("".join))
def test_anything_is_a_value_or_a_decode_error(text):
    try:
        assert jencode.decode(text)[1] == len(text)
    except DecodeError as error:
        known = issubclass(error.dirac, Exception)
    else:
        known = True
    assert known
