"""Agents of Stable-Baselines3, read without unpickling."""

import base64
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.foreign import ForeignPolicy, read_archive
from qwop_wr.envs import EnvironmentOptions
from tests.agents.foreign.stock import Shapes, rezipped, saved, stock_model


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def as_agent(content: bytes, actions: str = "qwop_gym") -> Agent:
    options = EnvironmentOptions.from_keywords(
        {"observation": "absolute", "actions": actions, "ticks_per_action": 4}
    )
    return ForeignPolicy.of(read_archive(content)).agent(options.interface, "box2d", {"file": "x"})


def assert_same_choices(agent: Agent, model: BaseAlgorithm) -> None:
    observations = np.random.default_rng(0).uniform(-1, 1, (500, 60)).astype(np.float32)
    expected, _ = model.predict(observations, deterministic=True)
    assert len(np.unique(expected)) > 1, "the model must choose for the test to mean anything"
    np.testing.assert_array_equal(agent.policy().act(observations), expected)


@pytest.mark.parametrize(
    ("learner", "actions", "network"),
    [
        ("dqn", "qwop_gym", {}),
        ("dqn", "full", {"net_arch": [32, 16, 8], "activation_fn": torch.nn.Tanh}),
        ("qrdqn", "qwop_gym", {"net_arch": [32], "n_quantiles": 7}),
        ("qrdqn", "full", {"activation_fn": torch.nn.Tanh}),
        ("ppo", "qwop_gym", {"net_arch": [32, 16]}),
        ("ppo", "full", {"activation_fn": torch.nn.ReLU}),
        ("a2c", "qwop_gym", {}),
    ],
)
def test_an_agent_acts_as_the_stock_model_does(
    learner: str, actions: str, network: dict[str, Any]
) -> None:
    model = stock_model(learner, Shapes(60, {"qwop_gym": 9, "full": 16}[actions]), **network)
    agent = as_agent(saved(model), actions)
    assert agent.spec.algorithm == ("qrdqn" if learner in ("dqn", "qrdqn") else "ppo")
    assert agent.spec.engine == "box2d"
    assert_same_choices(agent, model)


def test_values_are_those_of_the_stock_critic() -> None:
    model = stock_model("ppo")
    observations = np.random.default_rng(0).uniform(-1, 1, (50, 60)).astype(np.float32)
    with torch.no_grad():
        expected = model.policy.predict_values(torch.from_numpy(observations)).flatten()  # type: ignore[operator]
    actual = as_agent(saved(model)).policy().values(observations)
    np.testing.assert_allclose(actual, expected.numpy(), atol=1e-6)


def test_a_critic_of_other_widths_is_left_out() -> None:
    model = stock_model("ppo", net_arch={"pi": [32, 16], "vf": [8]})
    agent = as_agent(saved(model))
    assert_same_choices(agent, model)
    assert "left out" in str(agent.card["critic"])
    assert not agent.policy().values(np.ones((2, 60), np.float32)).any()


def test_the_card_says_where_it_comes_from() -> None:
    card = as_agent(saved(stock_model("qrdqn"))).card
    imported = card["imported"]
    assert isinstance(imported, dict)
    assert imported["file"] == "x"
    assert imported["learner"] == "QR-DQN"
    assert imported["steps"] == 0
    assert str(imported["stable_baselines3"]).startswith("2.")


def test_the_number_of_actions_follows_from_what_is_said() -> None:
    content = saved(stock_model("qrdqn", n_quantiles=16))  # 144 outputs: 9 x 16 or 16 x 9
    data = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("data"))
    assert ForeignPolicy.of(read_archive(content)).n_actions([9, 16]) == 9

    def without(*names: str, **others: object) -> ForeignPolicy:
        changed = {k: v for k, v in data.items() if k not in names} | others
        return ForeignPolicy.of(
            read_archive(rezipped(content, {"data": json.dumps(changed).encode()}))
        )

    assert without("n_quantiles").n_actions([9, 16]) == 9
    assert without("action_space").n_actions([9, 16]) == 9
    silent = without("n_quantiles", "action_space")
    with pytest.raises(ValueError, match="144 outputs may be 9 or 16 actions; say --actions"):
        silent.n_actions([9, 16])
    assert silent.n_actions([16]) == 16
    with pytest.raises(ValueError, match="144 outputs do not fit the 9 actions and 7 quantiles"):
        without("n_quantiles", n_quantiles=7).n_actions([9, 16])


def test_facts_that_contradict_the_weights_are_refused() -> None:
    content = saved(stock_model("dqn"))
    data = json.dumps({"observation_space": {"_shape": "[71]"}}).encode()
    with pytest.raises(ValueError, match="71 numbers, but its network reads 60"):
        ForeignPolicy.of(read_archive(rezipped(content, {"data": data})))
    data = json.dumps({"policy_kwargs": {"activation_fn": "<class 'torch.nn.GELU'>"}}).encode()
    with pytest.raises(ValueError, match="non-linearity is GELU; known are Tanh, ReLU"):
        ForeignPolicy.of(read_archive(rezipped(content, {"data": data})))


def test_pickles_in_data_are_never_loaded(tmp_path: Path) -> None:
    model, canary = stock_model("dqn"), tmp_path / "canary"
    content = saved(model)
    data = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("data"))
    evil = base64.b64encode(pickle.dumps(Canary(canary))).decode()
    for item in data.values():
        if isinstance(item, dict) and ":serialized:" in item:
            item[":serialized:"] = evil
    doctored = rezipped(content, {"data": json.dumps(data).encode()})
    assert_same_choices(as_agent(doctored), model)
    assert not canary.exists()
    pickle.loads(base64.b64decode(evil))  # noqa: S301 - it would have worked
    assert canary.exists()


def test_weights_that_would_execute_are_refused(tmp_path: Path) -> None:
    content, canary = saved(stock_model("dqn")), tmp_path / "canary"
    buffer = io.BytesIO()
    torch.save({"q_net.q_net.0.weight": Canary(canary)}, buffer)
    bare = pickle.dumps(Canary(canary))
    for weights, message in [(buffer.getvalue(), "was not loaded"), (bare, "torch's zip format")]:
        with pytest.raises(ValueError, match=message) as refusal:
            read_archive(rezipped(content, {"policy.pth": weights}))
        assert len(str(refusal.value).splitlines()) == 1
    assert not canary.exists()


def pth(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([torch.ones(2)], "not a state dictionary"),
        ({"a": 1}, "something else than tensors"),
        ({"a": torch.ones(2, dtype=torch.int64)}, "something else than tensors"),
        ({"a": torch.ones(2).to_sparse()}, "something else than tensors"),
        ({"a": torch.ones(1).expand(10**9)}, "need 4000000000 bytes"),
        ({f"a{i}": torch.ones(1) for i in range(300)}, "not a state dictionary of a small"),
    ],
)
def test_other_states_are_refused(state: object, message: str) -> None:
    content = saved(stock_model("dqn"))
    with pytest.raises(ValueError, match=message):
        read_archive(rezipped(content, {"policy.pth": pth(state)}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy.pth": None}, "holds no policy.pth"),
        ({"../evil": b""}, "leads out of it"),
        ({"/evil": b""}, "leads out of it"),
        ({"data": b"{"}, "not JSON"),
        ({"data": b"[" * 100_000}, "not JSON"),
        ({"data": b"[]"}, "not a JSON object"),
        ({"data": b" " * (2**24 + 1)}, "the limit is 16777216"),
        ({f"extra_{i}": b"" for i in range(70)}, "at most 64 are read"),
    ],
)
def test_other_archives_are_refused(changes: dict[str, bytes | None], message: str) -> None:
    content = saved(stock_model("dqn"))
    with pytest.raises(ValueError, match=message):
        read_archive(rezipped(content, changes, compress=True))


def test_compressed_weights_are_refused() -> None:
    content = saved(stock_model("dqn"))
    weights = zipfile.ZipFile(io.BytesIO(content)).read("policy.pth")
    with pytest.raises(ValueError, match="compressed, which torch never does"):
        read_archive(rezipped(content, {"policy.pth": rezipped(weights, {}, compress=True)}))


def test_damage_is_told() -> None:
    content = saved(stock_model("dqn"))
    rng = np.random.default_rng(0)
    for length in (0, 100, len(content) // 2, len(content) - 30):
        with pytest.raises(ValueError, match="truncated"):
            read_archive(content[:length])
    weights = zipfile.ZipFile(io.BytesIO(content)).read("policy.pth")
    for place in rng.integers(len(weights) - 4, size=60):
        broken = weights[:place] + rng.bytes(4) + weights[place + 4 :]
        try:
            ForeignPolicy.of(read_archive(rezipped(content, {"policy.pth": broken})))
        except ValueError as error:
            assert len(str(error)) < 400  # noqa: PT017 - harmless changes are no error


def without_bias(model: BaseAlgorithm) -> bytes:
    state = {k: v for k, v in model.policy.state_dict().items() if k != "q_net.q_net.2.bias"}
    return rezipped(saved(model), {"policy.pth": pth(state)})


def test_other_networks_are_told() -> None:
    with pytest.raises(ValueError, match="q_net.2 lacks a weight or a bias"):
        ForeignPolicy.of(read_archive(without_bias(stock_model("dqn"))))
    linear = saved(stock_model("ppo", net_arch=[]))
    with pytest.raises(ValueError, match="no hidden layer"):
        ForeignPolicy.of(read_archive(linear))
    for state, message in [
        ({"lstm_actor.weight": torch.ones(2, 2)}, "no known policy"),
        (
            {
                **stock_model("dqn").policy.state_dict(),
                "q_net.features_extractor.cnn.0.weight": torch.ones(2, 2),
            },
            "more than an MlpPolicy: q_net.features_extractor.cnn.0.weight",
        ),
    ]:
        content = rezipped(saved(stock_model("dqn")), {"policy.pth": pth(state)})
        with pytest.raises(ValueError, match=message):
            ForeignPolicy.of(read_archive(content))


def packed(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def bare_policy() -> bytes:
    buffer = io.BytesIO()
    stock_model("dqn").policy.save(buffer)  # type: ignore[arg-type]
    return buffer.getvalue()


def compiled_policy() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def state_dictionary(legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    weights = stock_model("dqn").policy.state_dict()
    torch.save(weights, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (packed("data", "parameters", "parameter_list"), "an agent of Stable-Baselines 2, whose"),
        (packed("data", "parameters"), "an agent of Stable-Baselines 2"),
        (bare_policy(), r"a bare torch file, such as policy\.save\(\).*model\.save\(\)"),
        (state_dictionary(), r"a bare torch file"),
        (state_dictionary(legacy=True), "no zip archive but a pickle"),
        (compiled_policy(), r"a compiled policy \(TorchScript\), which is code"),
        (packed("best/data", "best/policy.pth"), "in the folder 'best': pack them without"),
        (packed("a/b/policy.pth"), "in the folder 'a/b'"),
        (packed("model.zip", "notes.txt"), "another archive, 'model.zip': unpack it"),
        (packed("logs/DQN.ZIP"), "another archive, 'logs/DQN.ZIP'"),
        (
            packed("data", "_stable_baselines3_version"),
            r"of Stable-Baselines3 but holds no policy\.pth",
        ),
        (packed("obs.npy", "actions.npy"), r"NumPy arrays; recordings are called \.npz"),
        (packed("README.md"), r"holds README\.md and no policy\.pth"),
        (packed(), r"holds nothing and no policy\.pth"),
        (pickle.dumps([1]), "no zip archive but a pickle, which executes"),
        (b"\x89HDF\r\n", "an HDF5 file, as Keras"),
        (b"\x1f\x8b\x08", "a gzip file: unpack it"),
        (b"<!DOCTYPE html>", "a page of a web server"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (saved(stock_model("dqn"))[:-40], "truncated: a zip archive without the list of files"),
        (b"", "truncated or damaged"),
    ],
)
def test_what_is_no_agent_is_named(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        read_archive(content)
    assert "\n" not in str(caught.value)


def test_weights_of_a_policy_that_torch_compiled() -> None:
    model = stock_model("dqn")
    content = saved(model)
    buffer = io.BytesIO()
    state = {
        name.replace("q_net.q_net", "q_net._orig_mod.q_net"): tensor
        for name, tensor in model.policy.state_dict().items()
    }
    torch.save(state, buffer)
    assert_same_choices(as_agent(rezipped(content, {"policy.pth": buffer.getvalue()})), model)
