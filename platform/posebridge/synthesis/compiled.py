"""One way to compile a kernel, so that every kernel of the renderer behaves alike."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile `function` to machine code on its first call and keep the result on disk.

    Single-threaded, without the lock of the interpreter, and with strict floating point: the same
    input gives the same bits on the same machine. The cached code of a kernel is renewed when its
    own file changes, not when a kernel it calls from another file does: so a kernel calls only
    kernels of its own file.
    """
    return cast(Kernel, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: Kernel) -> Kernel:
    """Compile `function` into each kernel of its file that calls it.

    A loop that calls nothing is one the compiler can turn into vector instructions, which take
    several rounds at once and give the same bits.
    """
    return cast(Kernel, numba.njit(inline="always", error_model="numpy")(function))
