"""Makes an artifact for ever, as a process that is stopped and goes on: `… stopped STORE`."""

import sys
import time

from posebridge.engine.artifacts import Store
from posebridge.engine.leases import LeaseLostError, hold

PAUSE_SECONDS = 1.0
"""As between two checkpoints: it is stopped here, and not between its last look at the lease and
the moment when a file is put in place, which nothing on a file system can make one."""


def main(uri: str) -> None:
    """Write under a lease until it is lost, and say so."""
    number = 0
    try:
        with hold(Store(uri), "stages") as lease:
            while True:
                lease.write("stages/checkpoint", f"{number}".encode())
                print(number, flush=True)
                number += 1
                time.sleep(PAUSE_SECONDS)
    except LeaseLostError:
        print("lost", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
