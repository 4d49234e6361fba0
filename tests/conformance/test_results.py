import hashlib
import json
import os
import re
import stat
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from dirac_failover.conformance.results import (
    CONFORMS,
    ClauseResult,
    Header,
    PortInfo,
    Results,
    ResultsFile,
    digest,
    load,
    write,
)
from dirac_failover.errors import FileError
from dirac_failover.spec.profile_fit import Match
from dirac_failover.spec.shape import ShapeError, described

SCHEMA = jsonschema.Draft202012Validator(described(ResultsFile))


def test_results_are_read_as_they_were_written(alpha, beta, down, hostile):
    """The JSON follows the published schema, and holds all of the results."""
    for results in (alpha, beta, down, hostile):
        data = results.to_json()
        SCHEMA.validate(data)
        again = Results.from_json(json.loads(json.dumps(data)))
        assert again == results
        assert again.to_json() == data


def test_the_shape_of_a_port_says_which_clauses_and_levels_are_not_asked(alpha):
    """A level that is left out as a whole is named once; a clause that is not in the results is not named."""
    _, _, dirac, lossless = alpha.clauses
    clauses = (alpha.clauses[0], replace(alpha.clauses[0], id="CO-016"), dirac, replace(lossless, id="LL-003"))
    header = replace(alpha.header, port=replace(alpha.header.port, shape="commands"))
    chain = replace(alpha, header=header, clauses=clauses)
    assert chain.unsuited == ["CO-001", "DI-001"]
    assert chain.shape == "commands; not asked of it: CO-001, the level dirac"
    assert (alpha.unsuited, alpha.shape) == ([], "module")


def test_clauses_and_scenarios_are_counted(alpha):
    """Each verdict has its number, and the footer comes last."""
    assert alpha.to_json()["counts"] == {"scenarios": 1234, "held": 1, "broken": 2, "not asked": 1, "unchecked": 0}
    assert list(alpha.to_json()) == ["schema", "header", "counts", "clauses", "nearest", "verdict", "error", "footer"]


NEAR, FAR = Match("dirac-9.1", 9, 8, 7), Match("dirac-8.0", 9, 7, 8)


@pytest.mark.parametrize(
    ("nearest", "profile", "nearer"),
    [
        ((), "dirac-9.1", None),
        ((NEAR, FAR), "dirac-9.1 (the nearest)", None),
        ((FAR, replace(NEAR, alike=7, places=8)), "dirac-9.1 (the nearest)", None),
        ((FAR, NEAR), "dirac-9.1 (nearest: dirac-8.0)", "dirac-8.0"),
    ],
)
def test_the_nearest_profile_is_named(alpha, nearest, profile, nearer):
    """One that is as near as the expected one is not nearer."""
    results = replace(alpha, nearest=nearest)
    assert (results.profile, results.nearer) == (profile, nearer)
    assert Results.from_json(results.to_json()) == results
    SCHEMA.validate(results.to_json())


@pytest.mark.parametrize(("value", "text"), [(float("nan"), "NaN"), (float("-inf"), "-Infinity")])
def test_a_number_that_json_does_not_have_is_text(alpha, value, text):
    """The digest is that of the written text."""
    clause = replace(alpha.clauses[1], minimal=replace(alpha.clauses[1].minimal, observed=value))
    data = json.loads(replace(alpha, clauses=(clause,)).to_text(), parse_constant=pytest.fail)
    assert data["clauses"][0]["minimal"]["observed"] == text
    assert Results.from_json(data).to_json() == data


def test_the_digest_is_of_the_canonical_json(alpha):
    """Every reader can compute it: sorted keys, no spaces, ASCII. The text itself is indented."""
    data = alpha.to_json()
    assert alpha.to_text() == json.dumps(data, indent=2) + "\n"
    footer = data.pop("footer")
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert footer == {"complete": True, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert digest({"b": "é", "a": 1}) == hashlib.sha256(b'{"a":1,"b":"\\u00e9"}').hexdigest()


def signed(data):
    """Return the data with a digest that fits."""
    data["footer"]["sha256"] = digest({key: value for key, value in data.items() if key != "footer"})
    return data


def changed(data, *path, to):
    """Return the data with another value at one place."""
    data = place = deepcopy(data)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return data


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda data: {key: data[key] for key in data if key != "footer"}, "the footer is missing: it was cut"),
        (lambda data: changed(data, "header", "tool", to="2"), "the digest is another: it was cut or changed"),
        (lambda data: signed(changed(data, "counts", "held", to=2)), "counts: they are not those of the clauses"),
        (lambda data: signed(changed(data, "verdict", to="fine")), "verdict: input should be 'conforms', 'diverges'"),
        (lambda data: changed(data, "schema", to="dirac-failover/run/1"), "schema: input should be 'dirac-failover/re"),
        (lambda data: changed(data, "clauses", 0, "asked", to="x"), "clauses[0].asked: input should be a valid integ"),
        (lambda data: changed(data, "header", "levels", 0, to="x"), "header.levels[0]: input should be 'contract',"),
        (lambda _: [], "all of it: input should be"),
        (lambda _: {"schema": "dirac-failover/results/2", "footer": {}}, "footer.complete: field required"),
    ],
)  # fmt: skip
def test_data_that_were_cut_or_changed_are_an_error(alpha, tmp_path, wrong, message):
    """The message names the place and the expected value."""
    data = wrong(alpha.to_json())
    with pytest.raises(ShapeError, match=f"^{re.escape(message)}"):
        Results.from_json(data)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))
    with pytest.raises(FileError, match="does not hold the results of 'dirac-failover verify': "):
        load(str(path))


def test_a_file_is_loaded(alpha, tmp_path):
    """A mark of the encoding at its beginning does not matter."""
    path = tmp_path / "r.json"
    write(str(path), alpha.to_text())
    assert load(str(path)) == alpha
    path.write_text(alpha.to_text(), encoding="utf-8-sig")
    assert load(str(path)) == alpha


def test_results_have_defaults():
    """No clause was asked and nothing broke down; the levels contract and dirac decide."""
    port = PortInfo("a", "", "a")
    made = Results(Header("1", port, "p", "3", "L", "d", "c", ("identity",), "1/1", 1), 0, (
        ClauseResult("CO-001", "contract", "t"),), CONFORMS)  # fmt: skip
    assert (made.clauses[0].verdict, made.clauses[0].asked, made.clauses[0].broken) == ("not asked", 0, 0)
    assert (made.error, made.nearest, made.header.levels) == (None, (), ("contract", "dirac"))
    assert Results.from_json(made.to_json()) == made


def test_a_file_that_is_cut_anywhere_is_an_error(alpha, tmp_path):
    """The disk may become full at any byte."""
    path = tmp_path / "r.json"
    text = alpha.to_text()
    for length in range(0, len(text) - 2, 97):
        path.write_text(text[:length])
        with pytest.raises(FileError, match="is not JSON, or was cut: "):
            load(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Cannot read .*r.json: No such file or directory$"),
        (b"[" * 100_000, "is not JSON, or was cut"),
        (b"\xff\xfe\xff", "is not JSON, or was cut"),
        (b"x", r"is not JSON, or was cut: Expecting value: line 1 column 1 \(char 0\)$"),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, content, message):
    """Deeply nested brackets are no crash."""
    if content:
        (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(FileError, match=message):
        load(str(tmp_path / "r.json"))


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o640), (0, 0o666)])
def test_a_file_is_written_whole(tmp_path, monkeypatch, umask, mode):
    """It replaces an old one, with the rights that the umask leaves; a bare name is in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text("old and much longer")
    before = os.umask(umask)
    try:
        write("r.json", "é\n")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert Path("r.json").read_bytes() == "é\n".encode()
    assert stat.S_IMODE(os.stat("r.json").st_mode) == mode
    assert os.listdir(tmp_path) == ["r.json"]


def test_a_file_is_complete_before_it_has_its_name(tmp_path, monkeypatch):
    """Until then it has another name in the same folder, which differs from time to time."""
    moved = []
    monkeypatch.setattr(os, "replace", lambda old, new: moved.append((old, new, Path(old).read_bytes())))
    for _ in range(2):
        write(str(tmp_path / "r.json"), "text")
    (first, name, text), (second, *_) = moved
    assert (name, text) == (str(tmp_path / "r.json"), b"text")
    assert re.fullmatch(re.escape(f"{tmp_path}/.failover-") + "[0-9a-f]{64}", first)
    assert first != second


@pytest.mark.parametrize("old", [["r.json"], []])
def test_a_file_is_not_written_at_all_when_it_cannot_be(tmp_path, monkeypatch, old):
    """An old one stays, and nothing is left beside it."""

    def full(*_):
        raise OSError(28, "No space left on device")

    for name in old:
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileError, match=r"^Cannot write .*r\.json: No space left on device$"):
        write(str(tmp_path / "r.json"), "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old" for _ in old]


def test_a_directory_that_is_not_there_is_one_line(tmp_path):
    """It is not made."""
    with pytest.raises(FileError, match=r"/none/r\.json: No such file or directory$"):
        write(str(tmp_path / "none/r.json"), "")
    with pytest.raises(FileError, match="Is a directory"):
        write(str(tmp_path), "")


def test_a_device_or_a_link_stays_one(tmp_path):
    """A pipe and a device are written to, and a link leads to the new text."""
    master, terminal = os.openpty()  # a device of its own: a fault may harm it
    try:
        write(os.ttyname(terminal), "x")
        assert os.read(master, 9) == b"x"
        assert stat.S_ISCHR(os.stat(os.ttyname(terminal)).st_mode)
    finally:
        os.close(master)
        os.close(terminal)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(str(tmp_path / "pipe"), "é")
        assert os.read(reader, 9) == "é".encode()
    finally:
        os.close(reader)
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
