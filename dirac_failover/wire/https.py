"""The client end of DIRAC's HTTPS services: a transport that speaks their protocol with ``requests``.

A call is a form that is posted to one of the service's URLs with the proxy as client certificate; the answer is the
return structure as JSON. A server can make a call fail, never raise: its possible replies, and their results for the
caller, are all in :meth:`HttpsTransport._ask`, and is what DIRAC 9.1's own client shows, text included. Two differences
are wanted: a JSON answer that is not an object is an error like other nonsense (DIRAC lets a ``TypeError`` escape), and
objects of unknown classes are refused (see :mod:`dirac_failover.wire.jencode`).

Form, statuses and texts are DIRAC's.
"""

from __future__ import annotations

import errno
import os
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from DIRACCommon.Core.Utilities.ReturnValues import S_ERROR

from dirac_failover.wire import jencode
from dirac_failover.wire.rpc import DEFAULT_TIMEOUT, Result, make_stub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIN_TIMEOUT: Final = 120
"""The shortest timeout of a call in seconds; a client cannot set a shorter one."""

_FINAL: Final[dict[int, tuple[int, str]]] = {
    HTTPStatus.NOT_IMPLEMENTED: (errno.ENOSYS, "{method} is not implemented"),
    HTTPStatus.UNAUTHORIZED: (errno.EACCES, "No access to {url}"),
    HTTPStatus.FORBIDDEN: (errno.EACCES, "No access to {url}"),
}
"""Statuses that another server would answer too, so that no other is tried."""


class _NoAnswerError(Exception):
    """One URL gave no answer; another may."""


def find_proxy() -> str | None:
    """Return the path of the user's proxy file, where DIRAC looks for it, or None."""
    named = [
        os.path.realpath(os.environ[name]) for name in ("GRID_PROXY_FILE", "X509_USER_PROXY") if name in os.environ
    ]
    usual = f"/tmp/x509up_u{os.getuid()}"  # noqa: S108 - the place that all grid tools agree on
    return next((path for path in (*named, usual) if os.path.isfile(path)), None)


class HttpsTransport:
    """Carries calls to DIRAC's HTTPS services: a :class:`~dirac_failover.wire.rpc.Transport`.

    ``urls`` gives the URLs of each ``System/Service``; a service that is itself a URL needs none. ``proxy`` is the path
    of a proxy file (certificate and key), by default the user's. ``verify`` is the path of the certificates of the
    authorities, ``False`` to trust every server, by default ``$X509_CERT_DIR`` or what ``requests`` trusts. ``vo`` is
    the VO that calls are made for. ``extra_credentials`` is sent along when given: ``"hosts"``, or the DN and group for
    which a host asks. ``chance`` shuffles the URLs.

    Close it, or use it as a context manager, to end its connections.
    """

    def __init__(  # noqa: PLR0913 - each is something that differs from site to site
        self,
        urls: Mapping[str, Sequence[str]] | None = None,
        *,
        proxy: str | None = None,
        verify: bool | str | None = None,
        vo: str = "unknown",
        extra_credentials: Any = None,
        chance: random.Random | None = None,
    ) -> None:
        """Open a session; nothing is sent."""
        import requests  # the import takes a tenth of a second, and only calls of servers need it

        self.session = requests.Session()
        self._urls = {} if urls is None else urls  # looked up at each call: it may grow
        self._proxy = proxy
        self._verify = (os.environ.get("X509_CERT_DIR") or True) if verify is None else verify
        self._form = {"clientVO": vo, "clientSetup": "None"}  # there are no setups since DIRAC 9
        if extra_credentials:
            self._form["extraCredentials"] = jencode.encode(extra_credentials)
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing

    def __enter__(self) -> Self:
        """Return the transport itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the connections that are kept open."""
        self.session.close()

    def __call__(self, service: str, method: str, args: tuple[Any, ...], *, timeout: int = DEFAULT_TIMEOUT) -> Result:
        """Call ``method`` of ``service``: see :class:`~dirac_failover.wire.rpc.Transport`.

        Each URL is tried once until one answers; the last error is returned if none does. Raises ``TypeError`` for
        arguments that have no JSON, as DIRAC's client.
        """
        seconds = max(MIN_TIMEOUT, timeout) if timeout else DEFAULT_TIMEOUT
        form = {"method": method, "args": jencode.encode(args), **self._form}
        result = self._try_all(service, form, seconds)
        result["rpcStub"] = make_stub(service, method, args, seconds)
        return result

    def _try_all(self, service: str, form: dict[str, str], timeout: int) -> Result:
        urls = [service] if "://" in service else list(self._urls.get(service, ()))
        result: Result = dict(S_ERROR(f"URL for service {service} not found"))
        self._chance.shuffle(urls)
        failed: set[str | None] = set()
        while urls:
            # A host that has just failed is asked last: DIRAC runs several instances of a service on one
            url = min(urls, key=lambda candidate: urlsplit(candidate).hostname in failed)
            urls.remove(url)
            try:
                return self._ask(url, form, timeout)
            except _NoAnswerError as error:
                failed.add(urlsplit(url).hostname)
                result = dict(S_ERROR(str(error)))
        return result

    def _ask(self, url: str, form: dict[str, str], timeout: int) -> Result:
        """Return the answer of one server; raises ``_NoAnswerError`` for every failure that is worth another try."""
        proxy = self._proxy or find_proxy()
        if proxy is None and url.startswith("https:"):
            return dict(S_ERROR("No proxy found"))
        body = None
        try:
            response = self.session.post(url, data=form, timeout=timeout, cert=proxy, verify=self._verify)
            body = response.text
            if response.status_code in _FINAL:
                number, text = _FINAL[response.status_code]
                return dict(S_ERROR(number, text.format(method=form["method"], url=url)))
            if response.status_code == HTTPStatus.NOT_FOUND:
                body = f"{url} is not found"
            response.raise_for_status()
            answer, _ = jencode.decode(body)
            if isinstance(answer, dict):
                return answer
        except Exception as error:  # another server may succeed
            raise _NoAnswerError(f"{error}: {body}") from error
        raise _NoAnswerError(f"The answer is not a return structure: {body}")
