"""What must be alike wherever work is done, or results would differ."""

import functools
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

import qwop_wr

PROCESSOR: Final = "processor"
"""Name under which the kind of processor is told."""

_LIBRARIES: Final = ("numpy", "torch", "numba", "llvmlite")


@functools.cache
def own_versions() -> dict[str, str]:
    """Tell what this process runs on.

    Returns:
        Version by name: this package's, with a digest of its sources, Python's and those
        of the libraries that compute; and the kind of processor, on which the last bits
        of a network's outputs depend.
    """
    from torch.backends import cpu  # noqa: PLC0415 (seconds to import)

    folder, digest = Path(qwop_wr.__file__).parent, hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.relative_to(folder).as_posix().encode())
        digest.update(source.read_bytes())
    return {
        "qwop_wr": f"{qwop_wr.__version__} (sources {digest.hexdigest()[:12]})",
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        PROCESSOR: f"{platform.machine()} {cpu.get_cpu_capability()}",
    }
