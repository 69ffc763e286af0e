"""Passwords in addresses are told to nobody."""

import logging
from pathlib import Path

import pytest
import yaml

from qwop_wr.datasets import AgentDataset
from qwop_wr.errors import BadInputError
from qwop_wr.secrets import hide_secrets, without_secrets
from tests.tiny_project.project import TinyProject

ROOT = Path(__file__).parents[2]
SECRET = "sEcReT"  # noqa: S105 (made up)
ADDRESS = f"http://alice:{SECRET}@127.0.0.1:9"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"no answer from {ADDRESS}/api", "no answer from http://***@127.0.0.1:9/api"),
        (
            f"postgresql://{SECRET}@host/db and s3://a:b@c",
            "postgresql://***@host/db and s3://***@c",
        ),
        ("http://host/a@b, me@example.org", "http://host/a@b, me@example.org"),
        ("", ""),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_nested_values() -> None:
    values = {"a": [ADDRESS, 1], "b": {"c": (ADDRESS,)}, "d": None}
    hidden = hide_secrets(values)
    assert SECRET not in repr(hidden)
    assert hidden["a"][1] == 1
    assert hidden["d"] is None
    assert values["a"] == [ADDRESS, 1]


def test_messages_to_the_user() -> None:
    assert SECRET not in BadInputError(f"{ADDRESS} does not answer").message


def test_logs_of_anybody(tiny_project: TinyProject, caplog: pytest.LogCaptureFixture) -> None:
    tiny_project.run()
    logging.getLogger("a.library").warning("asked %s", ADDRESS)
    assert "asked http://***@127.0.0.1:9" in caplog.text
    assert SECRET not in caplog.text


def test_a_server_that_is_gone(
    tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ADDRESS)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with caplog.at_level(logging.INFO, logger="qwop_wr"):
        tiny_project.run()
    told = [record.message for record in caplog.records if record.name.startswith("qwop_wr")]
    assert any("MLflow could not" in message for message in told)
    assert SECRET not in "".join(told)


def test_parameters_and_tags_in_mlflow(tiny_project: TinyProject) -> None:
    with pytest.raises(RuntimeError):
        tiny_project.run(params={"stage": {"trouble": ADDRESS}})
    runs = tiny_project.runs()
    assert runs["default (base)"].data.params["stage.trouble"] == "http://***@127.0.0.1:9"
    assert SECRET.encode() not in (tiny_project.path / "mlflow.db").read_bytes()


def test_credentials_of_a_dataset(tmp_path: Path) -> None:
    path = tmp_path / "agent.safetensors"
    path.write_bytes(b"damaged")
    dataset = AgentDataset(filepath=f"memory://{path}", credentials={"password": SECRET})
    with pytest.raises(Exception, match="there is no agent here") as caught:
        dataset.load()
    assert SECRET not in repr(dataset) + str(dataset) + str(caught.value)


def test_servers_listen_on_loopback_only() -> None:
    makefile = (ROOT / "Makefile").read_text()
    servers = [line for line in makefile.splitlines() if "viz run" in line or "mlflow ui" in line]
    assert len(servers) == 2
    assert all("--host 127.0.0.1" in line for line in servers)
    assert yaml.safe_load((ROOT / "conf/base/mlflow.yml").read_text())["ui"]["host"] == "127.0.0.1"
