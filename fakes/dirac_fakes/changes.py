"""What has changed in the services, at a cost in proportion to the changes, not to the size of the world.

A service notes where it changes its state (:meth:`dirac_fakes.service.Service.touch`). Only there the state is compared
with that of the last look, which is kept in the form of ``World.snapshot()``.
"""

from __future__ import annotations

from itertools import chain, takewhile
from operator import eq
from typing import TYPE_CHECKING, Any, Final

from dirac_fakes.service import shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from dirac_fakes.service import Service

Tree = dict[str, Any]
_NONE: Final = object()


class Changes:
    """The changes of ``services`` since the last look; to the first one everything is new."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        """Start without a look."""
        self.actor: Hashable = None
        """The one whose act they are now; None if they belong to no act."""
        self._services = services
        self._states, self._last = {}, {}  # type: Tree, Tree
        self.noted: dict[str, dict[tuple[Any, ...], None]] = {}
        """By service, the paths where its state may differ from that of the last look."""

    def take(self, *, anywhere: bool = False) -> tuple[Tree, Tree]:
        """Look, and return the changed rows before and after, as in a snapshot; of a list, the end that differs.

        A state that was assigned is compared as a whole. So is every one with ``anywhere``, which takes longer in a
        larger world, and finds what a test has changed inside a state with its own hands.
        """
        before, after = {}, {}  # type: Tree, Tree
        for name, service in self._services.items():
            state, noted = {name: service.state}, self.noted.pop(name, {})
            whole = anywhere or (name,) in noted or self._states.get(name) is not service.state
            if whole:
                self._states[name], state = service.state, {name: service.snapshot()}
                noted = dict.fromkeys(_differing(self._last.get(name, _NONE), state[name], name))
            for path in noted:
                if path[:-1] in noted:
                    continue
                old, new = _at(self._last, map(str, path)), _at(state, path)
                if type(old) is type(new) is list:
                    last, same = old, sum(takewhile(bool, map(eq, old, new))) if whole else len(old)
                    old, new = old[same:], new[same:]
                    last[same:] = shown(new)
                else:
                    _put(self._last, path, new)
                _put(before, path, old)
                _put(after, path, new)
        return before, after


def _at(tree: Any, path: Iterable[Any]) -> Any:
    for key in path:
        tree = tree.get(key, _NONE) if type(tree) is dict else _NONE
    return tree


def _put(tree: Tree, path: tuple[Any, ...], value: Any) -> None:
    *way, last = map(str, path)
    for key in way:
        tree = tree.setdefault(key, {})
    if value is _NONE:
        tree.pop(last, None)
    else:
        tree[last] = shown(value)


def _differing(old: Any, new: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the rows that differ: a dict of dicts and lists is a table, any other one is a row."""
    if type(old) is type(new) is dict and all(type(row) in {dict, list} for row in chain(old.values(), new.values())):
        for key in {**old, **new}:
            yield from _differing(old.get(key, _NONE), new.get(key, _NONE), *path, key)
    elif old != new:
        yield path
