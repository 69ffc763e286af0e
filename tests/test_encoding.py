"""Text is UTF-8 whatever the machine's locale says."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCES = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "benchmarks").rglob("*.py")]

SAVING = """
import locale, sys
from pathlib import Path
from typing import Any
import pandas as pd
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog
from qwop_wr import settings

assert locale.getpreferredencoding(False).lower() not in ("utf-8", "utf8"), "not another locale"
conf, environment = sys.argv[1:]
arguments = {**settings.CONFIG_LOADER_ARGS, "default_run_env": "base"}
entries = OmegaConfigLoader(conf, env=environment, **arguments)["catalog"]
words = "39,80 s → 41 s, ≥ 99 %, Zürich, 記録"
kinds: dict[str, Any] = {
    "qwop_wr.datasets.PageDataset": words,
    "json.JSONDataset": {words: words},
    "qwop_wr.datasets.OptionalJSONDataset": [words],
    "qwop_wr.datasets.TableDataset": pd.DataFrame({words: [words]}),
}
n_pages = 0
for name, entry in entries.items():
    kind = entry["type"] if isinstance(entry, dict) else ""
    assert kind not in ("text.TextDataset", "pandas.CSVDataset"), name
    if kind in kinds:
        local = {**entry, "filepath": f"{name}.x"}
        catalog = DataCatalog.from_config({name: local})
        catalog.save(name, kinds[kind])
        loaded, saved = catalog.load(name), kinds[kind]
        same = loaded.equals(saved) if kind.endswith("TableDataset") else loaded == saved
        assert same, name
        n_pages += kind.endswith("PageDataset")
        if kind.startswith("qwop_wr") and "versioned" not in entry and "JSON" not in kind:
            assert words.encode("utf-8") in Path(f"{name}.x").read_bytes(), name
assert n_pages == 5
"""


@pytest.mark.parametrize("environment", ["base", "smoke", "cluster", "experiments"])
def test_every_text_of_the_catalog_under_another_locale(environment: str, tmp_path: Path) -> None:
    # The C locale without Python's own cures: ASCII. It stands for Windows' code pages.
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    script = tmp_path / "saving.py"
    script.write_text(SAVING, encoding="utf-8")
    answer = subprocess.run(  # noqa: S603 (the test's own arguments)
        [sys.executable, str(script), str(REPOSITORY / "conf"), environment],
        cwd=tmp_path,
        env={**os.environ, **locale},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def opens_without_encoding(tree: ast.Module) -> Iterator[int]:
    """Lines of calls that open text in the locale's encoding."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        names = {keyword.arg for keyword in call.keywords}
        called = call.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        texts = [
            str(value.value)
            for value in (*call.args, *(k.value for k in call.keywords if k.arg == "mode"))
            if isinstance(value, ast.Constant)
        ]
        is_binary = any(set(text) <= set("rwaxbt+") and "b" in text for text in texts)
        if name in ("read_text", "write_text"):
            is_bad = "encoding" not in names
        elif name in ("open", "fdopen", "NamedTemporaryFile", "TemporaryFile"):
            # Of av, zipfile and fsspec's own; the last one is binary unless told otherwise.
            owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
            foreign = ("av", "archive", "super()", "webbrowser")
            is_foreign = owner in foreign or owner.endswith(("_fs", "fs"))
            is_bad = not (is_binary or is_foreign or "encoding" in names)
            is_bad = is_bad and not owner.startswith("self")
        elif name in ("run", "Popen", "call", "check_call", "check_output", "getoutput"):
            is_bad = bool(names & {"text", "universal_newlines"}) and "encoding" not in names
        else:
            is_bad = False
        if is_bad:
            yield call.lineno


def test_no_source_opens_text_without_encoding() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in SOURCES
        for line in opens_without_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_bad"),
    [
        ("open('x')", True),
        ("open('x', 'rb')", False),
        ("open('x', encoding='utf-8')", False),
        ("path.open()", True),
        ("path.open('w')", True),
        ("path.open(mode='wb')", False),
        ("path.read_text()", True),
        ("path.write_text(s, encoding='utf-8')", False),
        ("subprocess.run(x, text=True)", True),
        ("subprocess.run(x, encoding='utf-8')", False),
        ("self._fs.open(path, 'rb')", False),
    ],
)
def test_the_walk_sees_what_it_should(source: str, is_bad: bool) -> None:
    assert bool(list(opens_without_encoding(ast.parse(source)))) is is_bad
