"""Algorithms behind one interface: our own, and those of stable-baselines3 and sb3-contrib.

To add one: its options in ``options.py``, a ``Learner`` that acts, steps, stores and learns in
``iterate``, and a line in ``qwop_wr.agents.training.LearnerTask.learner``.
"""
