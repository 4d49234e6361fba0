"""Make temporary credentials: an authority, the certificate of a host, and a user's proxy, for DIRAC's clients.

They are in one folder and valid for a month. They protect nothing; with them clients work as on a grid. The proxy is a
real one (RFC 3820) with DIRAC's group in it, and ends in a token of DiracX. Formats and object identifiers are those of
the grid and of DIRAC.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
import re
import secrets
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dirac_failover.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

LIFETIME: Final = timedelta(days=30)

EXTRA: Final = "pip install 'dirac-failover[https]'"

_GROUP: Final = "1.2.42.42"
"""DIRAC's extension of a proxy: the group."""

_PROXY_INFO: Final = "1.3.6.1.5.5.7.1.14"
_INHERIT_ALL: Final = bytes.fromhex("300c300a06082b06010505071501")
"""A proxy with all rights of its user."""

_IA5_STRING: Final = 0x16
_NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")


class Credentials(NamedTuple):
    """The paths of the files; ``authorities`` is a folder. ``dn`` is the user's name on the grid."""

    authorities: str
    authority: str
    host: str
    proxy: str
    dn: str
    token: dict[str, Any]

    def forget(self) -> None:
        """Remove the copy of the token that DIRAC keeps among the temporary files."""
        secret = self.token["refresh_token"].split(".")[1]
        copy = os.path.join(tempfile.gettempdir(), f"dx_{hashlib.sha256(secret.encode()).hexdigest()}")
        if os.path.exists(copy):
            os.unlink(copy)


def make_token(lifetime: timedelta = LIFETIME) -> dict[str, Any]:
    """Return a token of DiracX without a valid signature: clients look at its times only."""
    until = int(time.time() + lifetime.total_seconds())
    claims = {"exp": until, "jti": secrets.token_hex(8)}
    refresh = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "none"}, claims)) + "."
    return {
        "access_token": secrets.token_hex(16),
        "expires_on": until,
        "refresh_token": refresh,
        "token_type": "Bearer",
    }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().replace("=", "")


def make(folder: str, *, owner: str, group: str, hosts: Sequence[str] = ("127.0.0.1", "localhost")) -> Credentials:
    """Write credentials into ``folder``: of a server with these addresses, and of ``owner`` with a proxy for ``group``.

    Raises MissingExtraError when the package ``cryptography`` is not installed, and SettingError for names that no
    proxy can have, nor DIRAC's configuration.
    """
    for what, text in (("owner", owner), ("group", group)):
        if not _NAME.fullmatch(text):
            wanted = "1 to 64 of A-Z, a-z, 0-9, '.', '_', '@' and '-'"
            raise SettingError(f"The {what} of a proxy: expected {wanted}, found {text!r}")
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise MissingExtraError(f"HTTPS needs the package cryptography: {EXTRA}") from error

    def key() -> EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    authority, host, user, proxy = key(), key(), key(), key()
    issuer, name = _name("authority"), _name(owner)
    own = _name(owner, str(x509.random_serial_number()))
    names = x509.SubjectAlternativeName([_general_name(address) for address in hosts])
    # The uses are certificates and lists of revoked ones: a client of Python 3.13 requires them
    signs = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificates = {
        "authority": _certificate(
            issuer, authority, issuer, authority, [(x509.BasicConstraints(True, None), True), (signs, True)]
        ),
        "host": _certificate(_name("host"), host, issuer, authority, [(names, False)]),
        "user": _certificate(name, user, issuer, authority, []),
        "proxy": _certificate(
            own,
            proxy,
            name,
            user,
            [
                (x509.UnrecognizedExtension(x509.ObjectIdentifier(_PROXY_INFO), _INHERIT_ALL), True),
                (x509.UnrecognizedExtension(x509.ObjectIdentifier(_GROUP), _ia5(group)), False),
            ],
        ),
    }
    token = make_token()
    files = {
        "authority.pem": certificates["authority"],
        f"certificates/{_hash(issuer)}.0": certificates["authority"],
        "host.pem": certificates["host"] + _pem(host),
        "proxy.pem": certificates["proxy"] + _pem(proxy) + certificates["user"] + _token_pem(token),
    }
    os.makedirs(os.path.join(folder, "certificates"), exist_ok=True)
    for path, text in files.items():
        with open(os.open(os.path.join(folder, path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
    return Credentials(
        authorities=os.path.join(folder, "certificates"),
        authority=os.path.join(folder, "authority.pem"),
        host=os.path.join(folder, "host.pem"),
        proxy=os.path.join(folder, "proxy.pem"),
        dn="".join(f"/{part.rfc4514_string()}" for part in name.rdns),
        token=token,
    )


def _name(*common: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [(NameOID.ORGANIZATION_NAME, "dirac-failover"), *((NameOID.COMMON_NAME, text) for text in common)]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _general_name(address: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _certificate(
    subject: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: EllipticCurvePrivateKey,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for clocks that are slow
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _ia5(text: str) -> bytes:
    return bytes((_IA5_STRING, len(text))) + text.encode()


def _hash(name: x509.Name) -> str:
    """Return the name under which OpenSSL looks for an authority: made of the name without its outer header.

    The name is lower case, without double spaces, in UTF-8 and short, so it need not be brought into that form.
    """
    digest = hashlib.sha1(name.public_bytes()[2:], usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _token_pem(token: dict[str, Any]) -> str:
    text = base64.encodebytes(json.dumps(token).encode()).decode()
    return f"-----BEGIN DIRACX-----\n{text}-----END DIRACX-----\n"
