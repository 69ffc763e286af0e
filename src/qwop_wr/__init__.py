"""The QWOP 100 m world record by a machine, and the pipeline that makes it."""

from gymnasium.envs.registration import register, registry

__version__ = "0.1.0"

ENVIRONMENT_ID = "qwop_wr/Qwop-v1"
"""Name under which Gymnasium knows the environment once this package is imported."""

if ENVIRONMENT_ID not in registry:
    register(
        ENVIRONMENT_ID,
        entry_point="qwop_wr.envs.single:QwopEnv",
        vector_entry_point="qwop_wr.envs.vector:make_vector",
    )
