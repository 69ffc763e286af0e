"""Policies of SB3 and sb3-contrib with our own networks in them."""

from typing import Any, cast

from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.qrdqn.policies import QuantileNetwork as ContribQuantileNetwork
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from qwop_wr.agents.networks import QuantileNetwork
from qwop_wr.agents.spec import AgentSpec


class QuantilePolicy(QRDQNPolicy):
    """SB3's policy around our quantile network.

    All arguments but ``spec`` are SB3's.
    """

    def __init__(self, *args: Any, spec: AgentSpec, **kwargs: Any) -> None:  # noqa: ANN401
        self.spec = spec
        kwargs.update(n_quantiles=spec.n_quantiles, net_arch=list(spec.net_arch))
        super().__init__(*args, **kwargs)

    @property
    def online_network(self) -> QuantileNetwork:
        """The network that learns."""
        return cast("QuantileNetwork", self.quantile_net.quantile_net[0])

    @property
    def target_network(self) -> QuantileNetwork:
        """The network that gives the targets."""
        return cast("QuantileNetwork", self.quantile_net_target.quantile_net[0])

    def make_quantile_net(self) -> ContribQuantileNetwork:
        """Builds SB3's network around ours."""
        network = super().make_quantile_net()
        network.quantile_net = nn.Sequential(QuantileNetwork(self.spec)).to(self.device)
        return network

    def set_training_mode(self, mode: bool) -> None:
        """Sets the mode of the policy alone: no layer of ours has one, and setting all is slow."""
        self.training = mode


class ValuePolicy(DQNPolicy):
    """SB3's DQN policy around our quantile network of one quantile.

    All arguments but ``spec`` are SB3's.
    """

    def __init__(self, *args: Any, spec: AgentSpec, **kwargs: Any) -> None:  # noqa: ANN401
        self.spec = spec
        kwargs["net_arch"] = list(spec.net_arch)
        super().__init__(*args, **kwargs)

    @property
    def online_network(self) -> QuantileNetwork:
        """The network that learns."""
        return cast("QuantileNetwork", self.q_net.q_net[0])

    def make_q_net(self) -> QNetwork:
        """Builds SB3's network around ours, without the axis of the one quantile."""
        network = super().make_q_net()
        network.q_net = nn.Sequential(QuantileNetwork(self.spec), nn.Flatten()).to(self.device)
        return network
