"""The examples in the docstrings run, and their YAML makes a catalog."""

import doctest
import inspect
import textwrap
from pathlib import Path

import pytest
import yaml
from kedro.io import DataCatalog

from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    OptionalJSONDataset,
    PageDataset,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
    TransitionsDataset,
)

CLASSES = [
    AgentDataset,
    AgentsDataset,
    OptionalJSONDataset,
    PageDataset,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
    TransitionsDataset,
]


@pytest.mark.parametrize("dataset_class", CLASSES)
def test_python_example(dataset_class: type, tmp_path: Path) -> None:
    (test,) = doctest.DocTestFinder(recurse=False).find(dataset_class, globs={"tmp_path": tmp_path})
    assert len(test.examples) > 3
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.failed == 0


@pytest.mark.parametrize("dataset_class", CLASSES)
def test_yaml_example(dataset_class: type) -> None:
    docstring = inspect.getdoc(dataset_class) or ""
    text = docstring.split("```yaml")[1].split("```")[0]
    catalog = DataCatalog.from_config(yaml.safe_load(textwrap.dedent(text)))
    assert {type(catalog[name]) for name in catalog} == {dataset_class}
