"""Makes an artifact for ever, as a process that is stopped and goes on: `… stopped STORE`."""

import sys

from posebridge.engine.artifacts import Store
from posebridge.engine.leases import LeaseLostError, hold


def main(uri: str) -> None:
    """Write under a lease until it is lost, and say so."""
    number = 0
    try:
        with hold(Store(uri), "stages") as lease:
            while True:
                lease.write("stages/checkpoint", f"{number}".encode())
                print(number, flush=True)
                number += 1
    except LeaseLostError:
        print("lost", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
