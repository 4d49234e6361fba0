"""Throw-away credentials: what is in them, read by OpenSSL and by cryptography's parser."""

import base64
import hashlib
import json
import os
import re
import ssl
import stat
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from dirac_failover.errors import MissingExtraError, SettingError
from dirac_failover.serving import credentials
from dirac_failover.serving.credentials import LIFETIME, make, make_token

CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return make(str(tmp_path_factory.mktemp("own")), owner="alice", group="vo_user", hosts=["127.0.0.1", "localhost"])


def certificates(path):
    return [x509.load_pem_x509_certificate(text.encode()) for text in CERTIFICATE.findall(Path(path).read_text())]


def extension(certificate, oid):
    return certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid))


def test_the_names_are_those_of_the_grid(own):
    (authority,), (host,), (proxy, user) = map(certificates, (own.authority, own.host, own.proxy))
    for certificate, name in ((authority, "authority"), (host, "host"), (user, "alice")):
        assert certificate.subject.rfc4514_string() == f"CN={name},O=dirac-failover"
        assert certificate.issuer.rfc4514_string() == "CN=authority,O=dirac-failover"
    assert own.dn == "/O=dirac-failover/CN=alice"
    assert proxy.issuer == user.subject
    *parts, last = proxy.subject.rdns
    assert parts == user.subject.rdns
    (name,) = last
    assert name.oid == NameOID.COMMON_NAME
    assert str(name.value).isdecimal()


def test_each_is_signed_by_who_issued_it(own):
    (authority,), (host,), (proxy, user) = map(certificates, (own.authority, own.host, own.proxy))
    for certificate, issuer in ((authority, authority), (host, authority), (user, authority), (proxy, user)):
        certificate.verify_directly_issued_by(issuer)
        oid = "2.5.29.35"
        key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
        assert extension(certificate, oid).value == key
        mine = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
        assert extension(certificate, "2.5.29.14").value == mine


def test_the_proxy_is_one_and_has_the_group_of_dirac(own):
    proxy, user = certificates(own.proxy)
    info, group = extension(proxy, "1.3.6.1.5.5.7.1.14"), extension(proxy, "1.2.42.42")
    assert info.critical
    assert info.value.public_bytes() == bytes.fromhex("300c300a06082b06010505071501")
    assert not group.critical
    assert group.value.public_bytes() == b"\x16\x07vo_user"
    assert (len(proxy.extensions), len(user.extensions)) == (4, 2)


def test_the_authority_is_one_and_the_host_has_its_addresses(own):
    (authority,), (host,) = certificates(own.authority), certificates(own.host)
    constraints = extension(authority, "2.5.29.19")
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=None)
    usage = extension(authority, "2.5.29.15")
    assert usage.critical
    named = [name for name, used in vars(usage.value).items() if used]
    assert sorted(named) == ["_crl_sign", "_key_cert_sign"]
    names = extension(host, "2.5.29.17")
    assert not names.critical
    wanted = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    assert names.value == x509.SubjectAlternativeName(wanted)


@pytest.mark.parametrize("zone", ["UTC", "UTC-9", "UTC+9"])
def test_they_begin_an_hour_ago_and_last_a_month(tmp_path, elsewhere, zone):
    elsewhere(zone)
    own = make(str(tmp_path), owner="alice", group="vo_user")
    now = datetime.now(UTC)
    for path in (own.authority, own.host, own.proxy):
        for certificate in certificates(path):
            assert timedelta(hours=1) <= now - certificate.not_valid_before_utc < timedelta(hours=1, minutes=10)
            assert LIFETIME - timedelta(minutes=10) < certificate.not_valid_after_utc - now <= LIFETIME
    assert timedelta(days=30) == LIFETIME


def test_openssl_finds_the_authority_by_its_hash(own):
    """The folder is what grid tools expect; certificate and key of host and proxy fit, for a strict client too."""
    client, server = ssl.create_default_context(capath=own.authorities), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    server.load_cert_chain(own.host)
    client.load_cert_chain(own.proxy)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (one, other):
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
    one.do_handshake()
    other.do_handshake()
    assert one.getpeercert()["subject"][1] == (("commonName", "host"),)  # type: ignore[index]
    assert re.fullmatch(r"[0-9a-f]{8}\.0", *os.listdir(own.authorities))


def test_they_are_the_owners_alone(own):
    for path in (own.authority, own.host, own.proxy):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert "PRIVATE KEY" not in Path(own.authority).read_text()


def test_the_proxy_holds_its_key_between_the_certificates_and_ends_in_a_token(own):
    text = Path(own.proxy).read_text()
    assert re.findall("-----BEGIN (.*)-----", text) == ["CERTIFICATE", "PRIVATE KEY", "CERTIFICATE", "DIRACX"]
    key = load_pem_private_key(text[text.index("-----BEGIN PRIVATE") : text.rindex("-----BEGIN CERT")].encode(), None)
    assert key.public_key() == certificates(own.proxy)[0].public_key()
    assert text.endswith("\n-----END DIRACX-----\n")
    found = re.findall(r"-----BEGIN DIRACX-----\n(.*?)\n-----END DIRACX-----\n", text, re.DOTALL)
    assert [json.loads(base64.b64decode(part)) for part in found] == [own.token]


def test_a_token_has_what_clients_look_at():
    token, other = make_token(), make_token(timedelta(seconds=-1))
    assert token.keys() == {"access_token", "expires_on", "refresh_token", "token_type"}
    now = datetime.now(UTC).timestamp()
    assert 0 <= now + LIFETIME.total_seconds() - token["expires_on"] < 600
    assert 0 < now - other["expires_on"] < 600
    head, claims, signature = token["refresh_token"].split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "none"}
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (read["exp"], len(read["jti"])) == (token["expires_on"], 16)
    assert signature == ""
    assert "=" not in token["refresh_token"]
    assert token["token_type"] == "Bearer"  # noqa: S105 - a word
    assert len(token["access_token"]) == 32
    assert token["access_token"] != other["access_token"]
    assert claims != other["refresh_token"].split(".")[1]


def test_the_copy_of_the_token_can_be_removed(own, tmp_path, monkeypatch):
    """DIRAC names it by the hash of the refresh token's middle; that there is none is no error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    digest = hashlib.sha256(own.token["refresh_token"].split(".")[1].encode()).hexdigest()
    (tmp_path / f"dx_{digest}").write_text("{}")
    (tmp_path / "dx_another").write_text("{}")
    own.forget()
    own.forget()
    assert os.listdir(tmp_path) == ["dx_another"]


def test_made_again_they_take_the_place_of_the_old_ones(tmp_path):
    first = make(str(tmp_path), owner="alice", group="g")
    before = Path(first.proxy).read_text()
    second = make(str(tmp_path), owner="al", group="g")
    assert first[:4] == second[:4]
    assert Path(second.proxy).read_text() != before
    assert len(certificates(second.proxy)) == 2
    assert second.dn == "/O=dirac-failover/CN=al"
    names = extension(*certificates(second.host), "2.5.29.17").value
    assert names == x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])


@pytest.mark.parametrize("name", ["", "ü", "x" * 65, "a/b", "a b", "a\n", "a,b"])
def test_a_name_that_no_proxy_can_have_is_refused(tmp_path, name):
    wanted = "expected 1 to 64 of A-Z, a-z, 0-9, '.', '_', '@' and '-'"
    for what, names in (("owner", {"owner": name, "group": "g"}), ("group", {"owner": "alice", "group": name})):
        with pytest.raises(SettingError) as caught:
            make(str(tmp_path), **names)
        assert str(caught.value) == f"The {what} of a proxy: {wanted}, found {name!r}"
    assert not list(tmp_path.iterdir())
    assert make(str(tmp_path), owner="A.z_0@b-9", group="g" * 64).dn == "/O=dirac-failover/CN=A.z_0@b-9"


def test_without_the_package_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError) as caught:
        make(str(tmp_path), owner="alice", group="g")
    assert str(caught.value) == "HTTPS needs the package cryptography: pip install 'dirac-failover[https]'"
    assert credentials.EXTRA == "pip install 'dirac-failover[https]'"
