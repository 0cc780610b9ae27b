"""Certificates for one test, made by the openssl command."""

import pathlib
import ssl
import subprocess
import typing

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Pair(typing.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


class Authority:
    """Signs certificates; its own is what the other side has to trust."""

    def __init__(self, directory, name="authority"):
        self.directory, self.name = pathlib.Path(directory), name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / f"{name}.pem"
        self._key = self.directory / f"{name}.key"
        openssl("req", "-x509", *CURVE, "-days", 30, "-subj", f"/CN={name}",
                "-out", self.certificate, "-keyout", self._key)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", days=30):
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", *CURVE, "-subj", f"/CN={name}", "-out", request, "-keyout", pair.key)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", pair.certificate)
        pair.key.chmod(0o600)
        return pair

    def client(self, pair=None, version=None):
        """How a client of Python's trusts this authority, and what it shows."""
        context = ssl.create_default_context(cafile=self.certificate)
        if pair:
            context.load_cert_chain(*pair)
        if version:
            # Without this Debian's openssl would itself refuse what is old, and the server would not be asked.
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        return context
