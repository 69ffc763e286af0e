"""Replay buffers: the learner's own experience, and demonstrations."""
