"""Parameters in MLflow: flat, complete and once."""

from unittest.mock import patch

import mlflow

from tests.tiny_project.project import TinyProject

FLAT = {
    "seed": "11",
    "stage.options.layers": "[8, 8]",
    "stage.options.rate.start": "0.5",
    "stage.options.steps": "4",
    "stage.trouble": "None",
    "world.engine": "box2d",
    "world.ticks": "3",
}


def test_typed_parameters_are_flat_and_logged_once(tiny_project: TinyProject) -> None:
    with patch.object(mlflow, "log_param") as log_param:
        tiny_project.run()
    log_param.assert_not_called()
    data = tiny_project.runs()["default (base)"].data
    assert data.params == FLAT
    assert not [name for name in data.tags if name.startswith(("stage", "world", "seed"))]


def test_only_what_the_selected_nodes_read(tiny_project: TinyProject) -> None:
    tiny_project.store_everything()
    tiny_project.run()
    tiny_project.run(namespaces=["stage"])
    assert tiny_project.runs()["stage (base)"].data.params == {
        name: value for name, value in FLAT.items() if not name.startswith("world")
    }


def test_command_line_values_count(tiny_project: TinyProject) -> None:
    tiny_project.run(params={"world": {"ticks": 5}})
    assert tiny_project.runs()["default (base)"].data.params["world.ticks"] == "5"
