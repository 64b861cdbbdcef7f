"""Who runs a server that must not run as root, and where: nothing outside is ever changed."""

import os
import pwd
import stat
import tempfile
from pathlib import Path


class NoPostgres(RuntimeError):  # noqa: N818  a state of the machine, named as users read it
    """No PostgreSQL can be run on this machine; the message says what to do about it."""


def unprivileged() -> pwd.struct_passwd:
    """Return an account without rights; initdb needs one that has a name."""
    everybody = {account.pw_name: account for account in pwd.getpwall()}
    for name in ("nobody", "daemon", "bin"):
        if name in everybody and everybody[name].pw_uid:
            return everybody[name]
    for account in everybody.values():
        if account.pw_uid:
            return account
    raise NoPostgres("PostgreSQL refuses to run as root and this machine has no other account.")


def own_folder(where: Path | None, account: pwd.struct_passwd | None) -> Path:
    """Make a folder (0700) in the first place that `account` can reach; return its real path."""
    temporary = Path(tempfile.gettempdir())
    places = [where or temporary, temporary, Path("/tmp"), Path("/var/tmp")]  # noqa: S108  mkdtemp
    usable = [place.resolve() for place in places if reachable(place.resolve(), account)]
    if not usable:
        raise NoPostgres(
            f"PostgreSQL cannot run as root, and the user {account and account.pw_name} can "
            "reach no temporary folder. Set TMPDIR to a folder that everybody may enter."
        )
    folder = Path(tempfile.mkdtemp(prefix="interlock-postgres-", dir=usable[0]))
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def reachable(place: Path, account: pwd.struct_passwd | None) -> bool:
    """Tell whether `account` may walk down to `place` and run programs there."""
    if not place.is_dir():
        return False
    if account is None:
        return True
    noexec = os.statvfs(place).f_flag & os.ST_NOEXEC
    return not noexec and all(_enterable(step, account) for step in (place, *place.parents))


def open_to_all(root: Path, account: pwd.struct_passwd) -> bool:
    """Tell whether `account` may run what is installed in `root`, as it is."""
    ways = (root / "bin", root / "lib", root / "share")
    files = (
        (root / "bin" / "initdb", stat.S_IXOTH),
        (root / "share" / "postgres.bki", stat.S_IROTH),
    )
    return all(reachable(way, account) for way in ways) and all(
        file.exists() and file.stat().st_mode & bit for file, bit in files
    )


def _enterable(folder: Path, account: pwd.struct_passwd) -> bool:
    about = folder.stat()
    if about.st_uid == account.pw_uid:
        return bool(about.st_mode & stat.S_IXUSR)
    if about.st_gid == account.pw_gid:
        return bool(about.st_mode & stat.S_IXGRP)
    return bool(about.st_mode & stat.S_IXOTH)


def give(folder: Path, account: pwd.struct_passwd) -> None:
    """Make everything in `folder` the account's; links are changed, never followed."""
    for parent, _, files in os.walk(folder):
        for name in (parent, *(os.path.join(parent, file) for file in files)):  # noqa: PTH118  os.walk's own strings; 1,000 files
            os.chown(name, account.pw_uid, account.pw_gid, follow_symlinks=False)
