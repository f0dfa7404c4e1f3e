"""CURVE keys: each service makes its own pair on first start, and trusts whoever has put a public key into the shared folder.

The secret key stays in this module: sockets are given it here, and it is in no text that Atlas prints.
"""

import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path

import structlog
import zmq
import zmq.auth

from atlas.domain import ConfigurationError, Unavailable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_POLL_SECONDS = 0.05
_KEY_BYTES = 32


class KeyRing:
    """The key pair of one service, and the public keys of those it talks to. Make one with `KeyRing.open`."""

    def __init__(self, name: str, public_key: bytes, secret_key: bytes, public_dir: Path) -> None:
        self.name = name
        self.public_key = public_key
        self.public_dir = public_dir
        self._secret_key = secret_key
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._allowed: dict[bytes, str] = {}
        self._complained: set[str] = set()

    @classmethod
    def open(cls, name: str, secret_dir: Path | str, public_dir: Path | str) -> "KeyRing":
        """The key ring of service `name`; its key pair is made if there is none yet.

        Raises:
            ConfigurationError: a folder or key file cannot be read or written, is garbage, or is open to other users.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} cannot name a key; use letters, digits, dot, dash and underscore")
        secret_dir, public_dir = Path(secret_dir), Path(public_dir)
        secret_file, public_file = secret_dir / f"{name}.key_secret", public_dir / f"{name}.key"
        try:
            secret_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            public_dir.mkdir(parents=True, exist_ok=True)
            if not secret_file.exists():
                _make_pair(name, secret_file)
            public_key, secret_key = _read_secret(secret_file)
            if not public_file.exists() or _read_public(public_file) != public_key:
                _publish(public_key, public_file)
        except OSError as error:
            raise ConfigurationError(
                f"the keys of {name} cannot be kept in {secret_dir} and {public_dir}: {error}; make both writable for this user"
            ) from error
        return cls(name, public_key, secret_key, public_dir)

    def public_key_of(self, peer: str, timeout_seconds: float = 30.0) -> bytes:
        """The public key of service `peer`, waiting for its file to appear, as services start in any order.

        Blocks; from an event loop call it in a thread.

        Raises:
            Unavailable: there is no usable file after `timeout_seconds`.
        """
        file = self.public_dir / f"{peer}.key"
        give_up = time.monotonic() + timeout_seconds
        while True:
            key = _read_public(file)
            if key is not None:
                return key
            if time.monotonic() >= give_up:
                raise Unavailable(f"the public key of {peer} is not at {file}; start {peer}, or copy its key there")
            time.sleep(_POLL_SECONDS)

    def name_of(self, public_key: bytes) -> str | None:
        """Who holds the secret to `public_key` (Z85), or None if it is not on the allow-list.

        The folder is read again whenever a file in it has come, gone or changed.
        """
        seen = tuple(sorted(_stamp(file) for file in self.public_dir.glob("*.key")))
        if seen != self._seen:
            self._allowed = self._read_allowed([self.public_dir / name for name, _, _ in seen])
            self._seen = seen
        return self._allowed.get(public_key)

    def secure_server(self, socket: zmq.Socket[bytes]) -> None:
        """Let only peers with an allowed key connect to `socket`."""
        socket.curve_server = True
        self._give_pair(socket)

    def secure_client(self, socket: zmq.Socket[bytes], server_key: bytes) -> None:
        """Let `socket` connect only to who holds the secret to `server_key`."""
        socket.curve_serverkey = server_key
        self._give_pair(socket)

    def _give_pair(self, socket: zmq.Socket[bytes]) -> None:
        socket.curve_publickey = self.public_key
        socket.curve_secretkey = self._secret_key

    def _read_allowed(self, files: list[Path]) -> dict[bytes, str]:
        allowed = {}
        for file in files:
            key = _read_public(file)
            if key is not None:
                allowed[key] = file.stem
            elif file.name not in self._complained:
                self._complained.add(file.name)
                structlog.get_logger("atlas.bus").warning(
                    "a public key file cannot be used; nobody is let in by it", file=str(file)
                )
        return allowed

    def __repr__(self) -> str:
        return f"KeyRing(name={self.name!r}, public_dir={str(self.public_dir)!r})"


def _stamp(file: Path) -> tuple[str, int, int]:
    """What changes when the file does; zeros if it is gone by now."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return file.name, 0, 0
    return file.name, status.st_mtime_ns, status.st_size


def _make_pair(name: str, secret_file: Path) -> None:
    """Make a pair and put its secret file in place, whole and closed to others, unless someone else was quicker."""
    with tempfile.TemporaryDirectory(dir=secret_file.parent, prefix=".new-") as folder:  # is made with mode 0700
        _, made = zmq.auth.create_certificates(folder, name)
        Path(made).chmod(0o600)
        try:
            os.link(made, secret_file)
        except FileExistsError:
            return
        except OSError:  # a file system that knows no links; two first starts at once are then not told apart
            Path(made).rename(secret_file)


def _publish(public_key: bytes, public_file: Path) -> None:
    """Put the public file in place in one step: readers see none or the whole of it."""
    with tempfile.TemporaryDirectory(dir=public_file.parent, prefix=".new-") as folder:
        new = Path(folder) / public_file.name
        new.write_text(f'curve\n    public-key = "{public_key.decode()}"\n', encoding="ascii")
        new.chmod(0o644)
        shutil.move(new, public_file)


def _read_secret(file: Path) -> tuple[bytes, bytes]:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"the secret key {file} is open to other users (mode {mode:04o}); run: chmod 600 {file}")
    try:
        public_key, secret_key = zmq.auth.load_certificate(file)
        if secret_key and zmq.curve_public(secret_key) == public_key:
            return public_key, secret_key
    except (ValueError, zmq.ZMQError):
        pass
    raise ConfigurationError(f"{file} is not a CURVE key pair; restore it from a backup, or delete it to get a new pair")


def _read_public(file: Path) -> bytes | None:
    """The key in `file`, or None if there is no file or no key in it."""
    try:
        public_key, _ = zmq.auth.load_certificate(file)
        return public_key if len(zmq.utils.z85.decode(public_key)) == _KEY_BYTES else None
    except (OSError, ValueError, ArithmeticError, KeyError):
        return None
