"""UnixPath: the socket's file, its mode and its lock, as Twisted's ports have them."""

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vaultrelay.transport.listening_socket import Bound
from vaultrelay.transport.unix_path import SocketLocked, UnixPath

NO_PROCESS = 2**22 + 1
"""More than Linux ever gives (PID_MAX_LIMIT)."""
Bind = Callable[..., Bound]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "relay.sock"


@pytest.fixture
def lock(path: Path) -> Path:
    return path.with_name("relay.sock.lock")


@pytest.fixture
def bind(path: Path) -> Iterator[Bind]:
    """Binds the path; all sockets are closed at the end."""
    made: list[Bound] = []

    def bind(mode: int = 0o660, backlog: int = 5, has_lock: bool = True) -> Bound:
        made.append(UnixPath(str(path), mode, backlog, has_lock).bind())
        return made[-1]

    yield bind
    for each in made:
        each.socket.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def dial(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as device:
        device.setblocking(False)
        device.connect(str(path))


def leave(path: Path) -> None:
    """Leave a socket there, as a process does that is killed."""
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))


@pytest.fixture
def unknown(path: Path) -> Iterator[None]:
    """A socket of which a connection does not tell whether anybody listens.

    As one of another user's, which root could always dial.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        yield


def assert_nothing_is_left(folder: Path, descriptors: int) -> None:
    assert list(folder.iterdir()) == []
    assert open_descriptors() == descriptors


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_socket_listens_with_its_mode_and_its_lock(bind: Bind, path: Path, lock: Path) -> None:
    bound = bind(0o640)
    dial(path)
    assert mode_of(path) == 0o640
    assert lock.readlink() == Path(str(os.getpid()))
    assert not bound.socket.getblocking()
    assert not bound.socket.get_inheritable()
    bound.socket.accept()[0].close()


def test_its_queue_has_the_length_of_the_backlog(bind: Bind, path: Path) -> None:
    bind(backlog=1)
    devices = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    try:
        for device in devices:
            device.setblocking(False)
        # The kernel takes one more than the backlog.
        devices[0].connect(str(path))
        devices[1].connect(str(path))
        with pytest.raises(BlockingIOError):
            devices[2].connect(str(path))
    finally:
        for device in devices:
            device.close()


def test_at_the_end_nothing_is_left(bind: Bind, path: Path, tmp_path: Path) -> None:
    bound = bind()
    bound.clean_up()
    assert list(tmp_path.iterdir()) == []
    bound.clean_up()


def test_without_a_lock_no_file_of_one_is_made(bind: Bind, path: Path, lock: Path) -> None:
    bound = bind(has_lock=False)
    assert not lock.is_symlink()
    bound.clean_up()
    assert not path.exists()


def test_the_umask_is_what_it_was(bind: Bind, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And at no moment is the socket wider than its mode."""
    before: list[int] = []
    chmod = os.chmod

    def observe(file: Path, mode: int, **rest: bool) -> None:
        before.append(mode_of(path))
        chmod(file, mode, **rest)

    monkeypatch.setattr(os, "chmod", observe)
    umask = os.umask(0)
    try:
        bind(0o666)
    finally:
        after = os.umask(umask)
    assert (before, mode_of(path), after) == ([0o600], 0o666, 0)


class TestAfterAKill:
    """What a killed relay left is taken over, and nothing else."""

    def test_another_process_may_have_its_number(self, bind: Bind, path: Path, lock: Path) -> None:
        leave(path)
        lock.symlink_to(str(os.getpid()))
        bind()
        dial(path)

    def test_its_number_may_be_free(self, bind: Bind, path: Path, lock: Path) -> None:
        leave(path)
        lock.symlink_to(str(NO_PROCESS))
        bind()
        dial(path)
        assert lock.readlink() == Path(str(os.getpid()))

    def test_its_lock_may_be_gone(self, bind: Bind, path: Path) -> None:
        leave(path)
        bind()
        dial(path)

    @pytest.mark.parametrize("has_lock", [False, True])
    def test_its_socket_may_be_gone(
        self, bind: Bind, path: Path, lock: Path, has_lock: bool
    ) -> None:
        lock.symlink_to(str(NO_PROCESS))
        bind(has_lock=has_lock)
        dial(path)

    @pytest.mark.usefixtures("unknown")
    def test_where_a_connection_does_not_tell_the_lock_does(
        self, bind: Bind, path: Path, lock: Path
    ) -> None:
        lock.symlink_to(str(NO_PROCESS))
        bind()
        dial(path)

    @pytest.mark.usefixtures("unknown")
    def test_where_neither_tells_the_socket_stays(self, bind: Bind, path: Path) -> None:
        with pytest.raises(OSError, match="already in use"):
            bind()
        assert path.is_socket()

    @pytest.mark.parametrize("owner", ["", str(NO_PROCESS)])
    def test_a_file_that_is_no_socket_stays(
        self, bind: Bind, path: Path, lock: Path, owner: str
    ) -> None:
        path.write_text("precious")
        if owner:
            lock.symlink_to(owner)
        with pytest.raises(OSError, match="already in use"):
            bind()
        assert path.read_text() == "precious"
        assert not lock.is_symlink()


class TestAnotherRelay:
    """Of two relays on one path only the first listens."""

    @pytest.mark.parametrize("has_lock", [False, True])
    def test_the_first_keeps_it(self, bind: Bind, path: Path, lock: Path, has_lock: bool) -> None:
        bind(has_lock=has_lock)
        refusal: type[OSError] = SocketLocked if has_lock else OSError
        with pytest.raises(refusal) as caught:
            bind(has_lock=has_lock)
        if has_lock:
            assert str(caught.value) == "cannot acquire lock"
        else:
            assert caught.value.errno == errno.EADDRINUSE
        dial(path)
        assert lock.is_symlink() is has_lock

    def test_the_first_keeps_it_while_its_queue_is_full(self, bind: Bind, path: Path) -> None:
        bind(backlog=0)
        dial(path)
        with pytest.raises(SocketLocked):
            bind()
        assert path.is_socket()

    def test_a_lock_that_names_no_process_is_respected(self, bind: Bind, lock: Path) -> None:
        lock.symlink_to("elsewhere")
        with pytest.raises(SocketLocked):
            bind()
        assert lock.readlink() == Path("elsewhere")

    @pytest.mark.parametrize("owner", ["1", "elsewhere"])
    def test_the_end_of_the_first_leaves_what_another_made_anew(
        self, bind: Bind, path: Path, lock: Path, owner: str
    ) -> None:
        """As after a `tmpfiles` run that took the files of the first away."""
        first = bind()
        path.unlink()
        lock.unlink()
        leave(path)
        lock.symlink_to(owner)
        first.clean_up()
        assert path.is_socket()
        assert lock.readlink() == Path(owner)

    def test_the_end_without_the_files_is_an_end(self, bind: Bind, path: Path, lock: Path) -> None:
        bound = bind()
        path.unlink()
        lock.unlink()
        bound.clean_up()


@pytest.mark.parametrize("number", [errno.EPERM, errno.EROFS])
def test_a_failure_after_the_bind_leaves_nothing(
    bind: Bind, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*arguments: object, **rest: object) -> None:
        raise OSError(number, "no")

    before = open_descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "chmod", fail)
        with pytest.raises(OSError, match="no"):
            bind()
    assert_nothing_is_left(tmp_path, before)
    bind()
    dial(path)


@pytest.mark.parametrize("has_lock", [False, True])
def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path, has_lock: bool) -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        UnixPath(str(tmp_path / "missing" / "relay.sock"), 0o660, 5, has_lock).bind()
    assert_nothing_is_left(tmp_path, before)
