from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from copy import deepcopy
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from dirac_failover.conformance.results import (
    BROKEN,
    CONFORMS,
    DIVERGES,
    HELD,
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

if TYPE_CHECKING:
    from collections.abc import Callable


def test_results_are_what_their_json_says(alpha: Results, beta: Results, down: Results, hostile: Results) -> None:
    """There and back, nothing is changed."""
    for results in (alpha, beta, down, hostile):
        data = results.to_json()
        again = Results.from_json(json.loads(json.dumps(data)))
        assert again == results
        assert again.to_json() == data


def test_the_json_is_as_its_schema_says(alpha: Results, down: Results, hostile: Results) -> None:
    """The published schema describes what is written."""
    for results in (alpha, down, hostile):
        jsonschema.Draft202012Validator(described(ResultsFile)).validate(results.to_json())


def test_clauses_and_scenarios_are_counted(alpha: Results) -> None:
    """Each verdict, by its name."""
    assert alpha.to_json()["counts"] == {"scenarios": 1234, "held": 1, "broken": 2, "not asked": 1, "unchecked": 0}
    assert list(alpha.to_json()) == ["schema", "header", "counts", "clauses", "nearest", "verdict", "error", "footer"]


def test_results_stay_what_they_are(alpha: Results) -> None:
    """With everything in them: reports share them."""
    broken = alpha.clauses[3]
    for thing in (alpha, alpha.header, alpha.header.port, broken, broken.minimal, broken.baseline):
        with pytest.raises(FrozenInstanceError):
            thing.name = "x"  # type: ignore[union-attr]


def test_the_nearest_profile_is_said_in_words(alpha: Results) -> None:
    """And kept; that two are equally near makes neither the nearer one."""
    near, far = Match("dirac-9.1", 9, 8, 7), Match("dirac-8.0", 9, 7, 8)
    assert (alpha.profile, alpha.nearer) == ("dirac-9.1", None)
    mine = replace(alpha, nearest=(near, far))
    assert (mine.profile, mine.nearer) == ("dirac-9.1 (the nearest)", None)
    equal = replace(alpha, nearest=(far, replace(near, alike=7, places=8)))
    assert (equal.profile, equal.nearer) == ("dirac-9.1 (the nearest)", None)
    other = replace(alpha, nearest=(far, near))
    assert (other.profile, other.nearer) == ("dirac-9.1 (nearest: dirac-8.0)", "dirac-8.0")
    data = other.to_json()
    assert data["nearest"][0] == {"profile": "dirac-8.0", "scenarios": 9, "alike": 7, "places": 8}
    assert Results.from_json(data) == other
    jsonschema.Draft202012Validator(described(ResultsFile)).validate(data)


def test_what_json_does_not_have_is_text(alpha: Results) -> None:
    """NaN is no JSON, and the digest is of what is really written."""
    minimal = alpha.clauses[1].minimal
    assert minimal
    clause = replace(alpha.clauses[1], minimal=replace(minimal, observed=float("nan")))
    data = json.loads(replace(alpha, clauses=(clause,)).to_text(), parse_constant=pytest.fail)
    assert data["clauses"][0]["minimal"]["observed"] == "NaN"
    assert Results.from_json(data).to_json() == data


def test_the_digest_is_of_the_canonical_json(alpha: Results) -> None:
    """Anybody can compute it: sorted keys, no spaces, ASCII."""
    data = alpha.to_json()
    footer = data.pop("footer")
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert footer == {"complete": True, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert digest({"b": "é", "a": 1}) == hashlib.sha256(b'{"a":1,"b":"\\u00e9"}').hexdigest()


def test_the_text_is_for_people_too(alpha: Results) -> None:
    """Indented, and ended by a newline."""
    assert alpha.to_text() == json.dumps(alpha.to_json(), indent=2) + "\n"


def signed(data: dict[str, Any]) -> dict[str, Any]:
    """The data with a digest that fits."""
    data["footer"]["sha256"] = digest({key: value for key, value in data.items() if key != "footer"})
    return data


def changed(data: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    data = deepcopy(data)
    place: Any = data
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
        (
            lambda data: signed(changed(data, "verdict", to="fine")),
            "verdict: input should be 'conforms', 'diverges' or…",
        ),
        (
            lambda data: changed(data, "schema", to="dirac-failover/run/1"),
            "schema: input should be 'dirac-failover/re…",
        ),
        (lambda data: changed(data, "clauses", 0, "asked", to="x"), "clauses[0].asked: input should be a valid integ…"),
        (lambda data: changed(data, "header", "levels", 0, to="x"), "header.levels[0]: input should be 'contract',…"),
        (lambda _: [], "all of it: input should be…"),
        (lambda _: {"schema": "dirac-failover/results/2", "footer": {}}, "footer.complete: field required…"),
    ],
)
def test_what_was_cut_or_changed_is_an_error(
    alpha: Results, tmp_path: Path, wrong: Callable[[dict[str, Any]], Any], message: str
) -> None:
    """Never a result; the message says what is wrong."""
    data = wrong(alpha.to_json())
    with pytest.raises(ShapeError, match=f"^{re.escape(message.removesuffix('…'))}"):
        Results.from_json(data)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))
    with pytest.raises(FileError, match="does not hold the results of 'dirac-failover verify': "):
        load(str(path))


def test_a_file_is_loaded(alpha: Results, tmp_path: Path) -> None:
    """As it was written."""
    path = tmp_path / "r.json"
    write(str(path), alpha.to_text())
    assert load(str(path)) == alpha
    path.write_text(alpha.to_text(), encoding="utf-8-sig")
    assert load(str(path)) == alpha


def test_results_say_little_unless_told() -> None:
    """Nothing was asked, and nothing broke down; contract and DIRAC decide."""
    port = PortInfo("a", "", "a")
    made = Results(Header("1", port, "p", "3", "L", "d", "c", ("identity",), "1/1", 1), 0, (
        ClauseResult("CO-001", "contract", "t"),), CONFORMS)  # fmt: skip
    assert (made.clauses[0].verdict, made.clauses[0].asked, made.clauses[0].broken) == ("not asked", 0, 0)
    assert (made.error, made.nearest, made.header.levels) == (None, (), ("contract", "dirac"))
    again = Results.from_json(made.to_json())
    assert again == made
    assert again.header.regions == ("identity",)
    assert (HELD, BROKEN, CONFORMS, DIVERGES) == ("held", "broken", "conforms", "diverges")


def test_a_file_that_is_cut_anywhere_is_an_error(alpha: Results, tmp_path: Path) -> None:
    """Wherever the disk became full."""
    path = tmp_path / "r.json"
    text = alpha.to_text()
    for length in range(0, len(text) - 2, 97):
        path.write_text(text[:length])
        with pytest.raises(FileError, match="is not JSON, or was cut: "):
            load(str(path))


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """With the reason; deeply nested brackets are no crash."""
    with pytest.raises(FileError) as said:
        load(str(tmp_path / "none.json"))
    assert str(said.value) == f"Cannot read {tmp_path}/none.json: No such file or directory"
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(FileError, match="is not JSON, or was cut"):
        load(str(path))
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(FileError, match="is not JSON, or was cut"):
        load(str(path))
    path.write_text("x")
    with pytest.raises(FileError, match=r"is not JSON, or was cut: Expecting value: line 1 column 1 \(char 0\)$"):
        load(str(path))


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o640), (0, 0o666)])
def test_a_file_is_written_whole(tmp_path: Path, umask: int, mode: int) -> None:
    """Over an old one, as the umask says, with nothing left beside it."""
    path = tmp_path / "r.json"
    path.write_text("old and much longer")
    before = os.umask(umask)
    try:
        write(str(path), "é\n")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert path.read_bytes() == "é\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(tmp_path) == ["r.json"]


def test_a_file_is_complete_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then it has one of its own, in the same folder, that nobody looks at."""
    moved: list[tuple[str, str, bytes]] = []
    monkeypatch.setattr(os, "replace", lambda old, new: moved.append((old, new, Path(old).read_bytes())))
    for _ in range(2):
        write(str(tmp_path / "r.json"), "text")
    (first, name, text), (second, *_) = moved
    assert (name, text) == (str(tmp_path / "r.json"), b"text")
    assert re.fullmatch(re.escape(f"{tmp_path}/.failover-") + "[0-9a-f]{64}", first)
    assert first != second


def test_a_file_is_not_written_at_all_when_it_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one stays, and nothing is left beside it."""
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileError) as said:
        write(str(path), "new")
    assert str(said.value) == f"Cannot write {path}: No space left on device"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.json"]
    path.unlink()
    with pytest.raises(FileError):
        write(str(path), "new")
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """It is not made."""
    with pytest.raises(FileError, match=r"/none/r\.json: No such file or directory$"):
        write(str(tmp_path / "none/r.json"), "")
    with pytest.raises(FileError, match="Is a directory"):
        write(str(tmp_path), "")


def test_a_name_alone_is_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every program."""
    monkeypatch.chdir(tmp_path)
    write("r.json", "x")
    assert os.listdir(tmp_path) == ["r.json"]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """A device stays a device, and a link stays a link to what it links to."""
    device = os.stat("/dev/null").st_rdev
    write("/dev/null", "x")
    assert os.stat("/dev/null").st_rdev == device
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
