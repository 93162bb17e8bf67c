"""Where Optuna writes a sweep for people to look at, with optuna-dashboard for one."""

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from posebridge.engine.artifacts import Store

JOURNAL = "optuna.journal"


def open_storage(store: Store, sweep: str, url: str | None) -> BaseStorage | None:
    """A database, or else a journal beside the sweep; None in a store that is no local folder.

    Args:
        store: of the sweep.
        sweep: its name.
        url: of a database that SQLAlchemy knows.

    Raises:
        ValueError: if there is no database at the address.
    """
    if url is not None:
        try:
            return RDBStorage(url)
        except Exception as error:  # SQLAlchemy and its drivers raise many kinds
            raise ValueError(
                f"--storage must be the address of a database, such as sqlite:///sweeps.db, but "
                f"{url!r} is none that can be opened: {' '.join(str(error).split())}"
            ) from error
    path = journal_path(store, sweep)
    if path is None:
        return None
    # Made anew at each start, since one whose last line was cut by a crash cannot be read.
    store.write(f"sweeps/{sweep}/{JOURNAL}", b"")
    return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))


def journal_path(store: Store, sweep: str) -> str | None:
    """The journal of a sweep; None in a store that is no local folder."""
    return store.path(f"sweeps/{sweep}/{JOURNAL}") if store.is_local else None
