"""Settings outside of the parameters that nothing reads are refused, with what is right."""

import re
from pathlib import Path
from typing import Any

import pytest

from qwop_wr.errors import BadInputError
from qwop_wr.hooks.configuration_files import (
    check_catalog,
    check_credentials,
    check_globals,
    check_logging,
    check_mlflow,
)
from tests.tiny_project.project import TinyProject

NUMBERS = {"type": "json.JSONDataset", "filepath": "data/numbers.json"}


def message(project: TinyProject, env: str | None = None) -> str:
    with pytest.raises(BadInputError) as caught:
        project.run(env=env)
    assert not (project.path / "data").exists()
    return caught.value.message


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (
            {"copyed": NUMBERS},
            "catalog: copyed: no pipeline has a dataset of this name; did you mean 'copied'?",
        ),
        (
            {"numbers.filepath": "data/n.json"},
            "catalog: numbers.filepath: keys have no dots; write it as a block: "
            "numbers: {filepath: 'data/n.json'}",
        ),
        (
            {"copied": {**NUMBERS, "save_arg": {"indent": 1}}},
            "catalog: copied.save_arg: there is no such key; did you mean 'save_args'?",
        ),
        (
            {"copied": {**NUMBERS, "save_args.indent": 1}},
            "catalog: copied.save_args.indent: keys have no dots; write it as a block: "
            "save_args: {indent: 1}",
        ),
        (
            {"copied": {**NUMBERS, "metadata.mlflow.artifact_path": "x"}},
            "catalog: copied.metadata.mlflow.artifact_path: keys have no dots; write it as a "
            "block: metadata: {mlflow: {artifact_path: 'x'}}",
        ),
        (
            {"numbers.metadata.mlflow": {}},
            "catalog: numbers.metadata.mlflow: keys have no dots; write it as a block: "
            "numbers: {metadata: {mlflow: {}}}",
        ),
        (
            {"copied": {**NUMBERS, "save_args": {"indnet": 1}}},
            "catalog: copied.save_args.indnet: there is no such key; did you mean 'indent'?",
        ),
        (
            {"copied": {**NUMBERS, "metadata": {"mlflow": {"artefact_path": "x"}}}},
            "catalog: copied.metadata.mlflow.artefact_path: there is no such key; "
            "did you mean 'artifact_path'?",
        ),
        (
            {"copied": {**NUMBERS, "metadata": {"mlflo": {"artifact_path": "x"}}}},
            "catalog: copied.metadata.mlflo: there is no such key; did you mean 'mlflow'?",
        ),
        (
            {"copied": {**NUMBERS, "fs_args": {"open_arg_save": {}}}},
            "catalog: copied.fs_args.open_arg_save: there is no such key; "
            "did you mean 'open_args_save'?",
        ),
        (
            {"copied": {**NUMBERS, "type": "qwop_wr.datasets.TapDataset"}},
            "catalog: copied.type = 'qwop_wr.datasets.TapDataset': there is no such type; "
            "did you mean 'qwop_wr.datasets.TapeDataset'?",
        ),
        (
            {"copied": {**NUMBERS, "versioned": "false"}},
            "catalog: copied.versioned = 'false': this is text; without the quotes, or from an "
            "environment variable as ${oc.decode:${oc.env:NAME}}, it is a value",
        ),
        (
            {"copied": {**NUMBERS, "save_args": {"indent": "2"}}},
            "catalog: copied.save_args.indent = '2': this is text; without the quotes, or from "
            "an environment variable as ${oc.decode:${oc.env:NAME}}, it is a value",
        ),
        (
            {"copied": {"filepath": "data/n.json"}},
            "catalog: copied.type is missing",
        ),
        (
            {"copied": {**NUMBERS, "metadata": "mlflow"}},
            "catalog: copied.metadata = 'mlflow': must be a block",
        ),
        ({"copied": "json.JSONDataset"}, "catalog: copied = 'json.JSONDataset': must be a block"),
    ],
)
def test_the_catalog(entries: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInputError) as caught:
        check_catalog(entries, {"copied", "numbers"})
    assert caught.value.message.startswith(told)


@pytest.mark.parametrize(
    ("env", "entries", "told"),
    [
        ("base", {"copyed": NUMBERS}, "did you mean 'copied'?"),
        (
            "local",
            {"copied": {**NUMBERS, "type": "json.JSONDatset"}},
            "catalog: copied.type = 'json.JSONDatset': there is no such type that is known to "
            "execute nothing; did you mean 'json.JSONDataset'?",
        ),
        ("smoke", {"stage.reslut": NUMBERS}, "did you mean 'stage.result'?"),
    ],
)
def test_every_environment_is_looked_at(
    tiny_project: TinyProject, env: str, entries: dict[str, Any], told: str
) -> None:
    tiny_project.write(f"{env}/catalog_more.yml", entries)
    assert told in message(tiny_project, None if env == "base" else env)


def test_tables_take_what_pandas_takes() -> None:
    table = {"type": "qwop_wr.datasets.TableDataset", "filepath": "data/x.csv"}
    with pytest.raises(BadInputError, match=r"save_args\.indx: .*mean 'index'"):
        check_catalog({"copied": {**table, "save_args": {"indx": False}}}, {"copied"})
    fine = {**table, "save_args": {"index": False}, "load_args": {"float_precision": "round_trip"}}
    check_catalog({"copied": fine, "_anchors": {"any": "thing"}, "{name}_x": fine}, {"copied"})


@pytest.mark.parametrize(
    ("kind", "instead"),
    [("text.TextDataset", "PageDataset"), ("pandas.CSVDataset", "TableDataset")],
)
def test_text_in_the_locales_encoding_is_refused(kind: str, instead: str) -> None:
    with pytest.raises(BadInputError, match=rf"use qwop_wr\.datasets\.{instead}, .*UTF-8"):
        check_catalog({"copied": {"type": kind, "filepath": "data/x"}}, {"copied"})


def test_a_value_from_the_environment(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDENT", "3")
    entry = {**NUMBERS, "filepath": "data/copied.json"}
    entry["save_args"] = {"indent": "${oc.decode:${oc.env:INDENT}}"}  # type: ignore[assignment]
    tiny_project.write("base/catalog_more.yml", {"copied": entry})
    tiny_project.run()
    assert "\n   1" in (tiny_project.path / "data/copied.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"trackin": {}}, "mlflow: trackin = {}: there is no such key; did you mean 'tracking'?"),
        (
            {"tracking.run": {"nested": True}},
            "mlflow: tracking.run = {'nested': True}: keys have no dots; write it as a block: "
            "tracking: {run: {'nested': True}}",
        ),
        (
            {"trackin.run": {"nested": True}},
            "mlflow: trackin.run = {'nested': True}: there is no such key; did you mean",
        ),
        (
            {"tracking": {"run": {"nested": "false"}}},
            "mlflow: tracking.run.nested = 'false': Input should be a valid boolean",
        ),
        ({"ui": {"port": 5000}}, "mlflow: ui.port = 5000: Input should be a valid string"),
    ],
)
def test_mlflow(content: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInputError) as caught:
        check_mlflow(content)
    assert caught.value.message.startswith(told)


def test_globals_that_nothing_refers_to() -> None:
    texts = ["a: {filepath: '${globals:d}/x.json'}", "b: ${ globals:e.f }"]
    check_globals({"d": "data", "e": {"f": 1}, "_g": 1}, texts)
    with pytest.raises(BadInputError) as caught:
        check_globals({"dd": "data/c.json"}, texts)
    assert caught.value.message == (
        "globals: dd = 'data/c.json': nothing refers to it; did you mean 'd'?"
    )


def test_credentials() -> None:
    entry = {**NUMBERS, "credentials": "bucket"}
    check_credentials({"copied": entry}, {"bucket": {"key": "sesame"}})
    check_credentials({"mlflow": {"server": {"credentials": "team"}}}, {"team": {"X": "y"}})
    with pytest.raises(BadInputError) as caught:
        check_credentials({"copied": NUMBERS}, {"buckt": {"key": "sesame"}})
    assert caught.value.message == (
        "credentials: buckt: no entry of the catalog names them, nor mlflow.yml; known: none"
    )
    with pytest.raises(BadInputError) as caught:
        check_credentials({"copied": {"dataset": entry}}, {"buckt": {"key": "sesame"}})
    assert caught.value.message == (
        "catalog: copied.credentials = 'bucket': credentials.yml has no such block; "
        "did you mean 'buckt'?"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("paramters.yml", "nothing reads a file of this name; did you mean parameters.yml?"),
        ("catalgo_x.yaml", "nothing reads a file of this name; did you mean catalog_x.yaml?"),
        ("notes.yml", "nothing reads a file of this name; files are called catalog*,"),
        ("parameters.YML", "Kedro does not read it; its name must end in one of .yml,"),
        ("globals_x.yml", "nothing reads it; globals belong in globals.yml"),
    ],
)
def test_files_that_nothing_reads(tiny_project: TinyProject, name: str, told: str) -> None:
    tiny_project.write(f"local/{name}", {"seed": 5})
    assert f"{name}: {told}" in message(tiny_project)


def test_a_key_in_two_files_of_an_environment(tiny_project: TinyProject) -> None:
    tiny_project.write("base/parameters_more.yml", {"seed": 5})
    assert message(tiny_project).startswith("parameters: no usable configuration: Duplicate keys")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("version: 1\nlogers: {}", "logers: there is no such key; did you mean 'loggers'?"),
        (
            "version: 1\nloggers: {qwop_wr: {lvl: INFO}}",
            "loggers.qwop_wr.lvl: there is no such key; did you mean 'level'?",
        ),
        ("version: 1\nroot: {handler: []}", "root.handler: there is no such key; did you mean"),
    ],
)
def test_logging(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "logging.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInputError, match=re.escape(told)):
        check_logging(path)
    check_logging(tmp_path / "none.yml")
