"""The examples in the docstrings run, and their YAML makes a catalog."""

import doctest
import inspect
import textwrap
from pathlib import Path

import pytest
import yaml
from kedro.io import DataCatalog

import qwop_wr.datasets
from qwop_wr.agents.agent import Agent

CLASSES = [
    one
    for one in vars(qwop_wr.datasets).values()
    if inspect.isclass(one) and "Using the YAML API" in (one.__doc__ or "")
]


@pytest.mark.parametrize("dataset_class", CLASSES)
def test_python_example(dataset_class: type, tmp_path: Path, agent: Agent) -> None:
    known = {"tmp_path": tmp_path, "agent": agent}
    (test,) = doctest.DocTestFinder(recurse=False).find(dataset_class, globs=known)
    assert len(test.examples) > 2
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.failed == 0


@pytest.mark.parametrize("dataset_class", CLASSES)
def test_yaml_example(dataset_class: type) -> None:
    docstring = inspect.getdoc(dataset_class) or ""
    text = docstring.split("```yaml")[1].split("```")[0]
    catalog = DataCatalog.from_config(yaml.safe_load(textwrap.dedent(text)))
    assert {type(catalog[name]) for name in catalog} == {dataset_class}
