"""Machine code on disk: kept, checked, and made anew when it is damaged."""

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qwop_wr.envs import compilation as envs
from qwop_wr.simulator.exact import compilation as exact
from tests.kernels import load_kernels, no_other_cache

__all__ = ["no_other_cache"]

pytestmark = pytest.mark.usefixtures("no_other_cache")

SOURCE = """
from pathlib import Path

from numba import njit

from qwop_wr.simulator.code_cache import fingerprint, keep_code

THREE = Path(__file__).with_name("three.txt")
FACTOR = int(THREE.read_text())
faults = []


@njit
def tripled(number):
    return FACTOR * number


keep_code(tripled, fingerprint(THREE), faults.append)
"""


def fresh(folder: Path) -> Any:
    if not (folder / "three.txt").exists():
        (folder / "three.txt").write_text("3")
    return load_kernels(folder, SOURCE)


def n_hits(module: Any) -> int:
    return sum(module.tripled.stats.cache_hits.values())


NO_CONSTANTS = (
    "/__init__.py",
    "/base.py",
    "/code_cache.py",
    "/compilation.py",
    "qwop_wr/options.py",
    "/renames.py",
)
"""Ends of the paths of sources from which kernels take no numbers."""


def sources_read(modules: list[Path]) -> set[Path]:
    """The modules and all of the project's that they import, directly or not."""
    found, waiting = set(modules), list(modules)
    while waiting:
        for node in ast.parse(waiting.pop().read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("qwop_wr."):
                spec = importlib.util.find_spec(str(node.module))
                assert spec is not None
                path = Path(str(spec.origin))
                if path not in found and not path.as_posix().endswith(NO_CONSTANTS):
                    found.add(path)
                    waiting.append(path)
    return found


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "first half": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "zeros in the middle": lambda content: (
        content[: len(content) // 3] + bytes(len(content) // 3) + content[2 * len(content) // 3 :]
    ),
    "text": lambda content: b"not a cache",
    "a wrong byte": lambda content: flipped(content, len(content) // 2),
    "a wrong byte at the end": lambda content: flipped(content, len(content) - 20),
    "another object": lambda content: b"\x80\x04N.",
}


def test_code_is_found_again(tmp_path: Path) -> None:
    first, second = fresh(tmp_path), fresh(tmp_path)
    assert first.tripled(14) == 42
    assert n_hits(first) == 0
    assert second.tripled(14) == 42
    assert n_hits(second) == 1
    assert first.faults == second.faults == []


def test_a_constant_of_another_file_makes_the_code_anew(tmp_path: Path) -> None:
    assert fresh(tmp_path).tripled(14) == 42
    (tmp_path / "three.txt").write_text("5")
    changed = fresh(tmp_path)
    assert changed.tripled(14) == 70
    assert n_hits(changed) == 0


@pytest.mark.parametrize(
    ("folder", "guarded"),
    [(Path(str(module.__file__)).parent, module.SOURCES) for module in (exact, envs)],
    ids=["exact", "envs"],
)
def test_all_that_kernels_read_is_in_their_fingerprint(
    folder: Path, guarded: tuple[Path, ...]
) -> None:
    """Follows the imports of all modules with compiled functions."""
    kernels = [path for path in folder.glob("*.py") if "import compiled" in path.read_text()]
    assert len(kernels) > 1
    files = {*guarded, *(file for source in guarded for file in source.glob("*.py"))}
    assert sources_read(kernels) <= files


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_files_are_replaced(
    tmp_path: Path, kind: str, damage: Callable[[bytes], bytes]
) -> None:
    fresh(tmp_path).tripled(14)
    (file,) = (tmp_path / "__pycache__").glob(f"*.{kind}")
    file.write_bytes(damage(file.read_bytes()))
    mended, later = fresh(tmp_path), fresh(tmp_path)
    assert mended.tripled(14) == 42
    assert n_hits(mended) == 0
    assert later.tripled(14) == 42
    assert n_hits(later) == 1
    assert mended.faults == []


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_file_that_cannot_be_read_or_replaced_is_told(tmp_path: Path, kind: str) -> None:
    fresh(tmp_path).tripled(14)
    (file,) = (tmp_path / "__pycache__").glob(f"*.{kind}")
    file.unlink()
    file.mkdir()
    module = fresh(tmp_path)
    assert module.tripled(14) == 42
    (fault,) = module.faults
    assert file.name in fault


def test_missing_code_is_compiled(tmp_path: Path) -> None:
    fresh(tmp_path).tripled(14)
    (file,) = (tmp_path / "__pycache__").glob("*.nbc")
    file.unlink()
    mended = fresh(tmp_path)
    assert mended.tripled(14) == 42
    assert file.exists()
