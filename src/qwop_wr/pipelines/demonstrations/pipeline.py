"""From an expert, searches and tapes to recorded transitions."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.demonstrations.nodes import (
    demonstrate_from_files,
    demonstrate_from_recordings,
    demonstrate_with_expert,
    demonstrate_with_search,
    merge_demonstrations,
)
from qwop_wr.pipelines.inputs import parameters


def create_pipeline() -> Pipeline:
    """Collect demonstrations from ``expert_agent``, guides, tapes and recordings."""
    expert = Node(
        demonstrate_with_expert,
        inputs={
            "expert": "expert_agent",
            "environment": "params:environment",
            "games": "params:demonstrations.games",
            "options": "params:demonstrations.expert",
        },
        outputs="expert_demonstrations",
        name="demonstrate_with_expert",
    )
    search = Node(
        demonstrate_with_search,
        inputs={
            "guides": "reigning_guide_agents",
            "expert": "expert_agent",
            "games": "params:demonstrations.games",
            "options": "params:demonstrations.search",
            **parameters("environment", "seed"),
        },
        outputs="search_demonstrations",
        name="demonstrate_with_search",
    )
    files = Node(
        demonstrate_from_files,
        inputs={
            "tapes": "demonstration_tapes",
            "record": "reigning_record_tape",
            "environment": "params:environment",
            "games": "params:demonstrations.games",
            "options": "params:demonstrations.files",
        },
        outputs="file_demonstrations",
        name="demonstrate_from_files",
    )
    recordings = Node(
        demonstrate_from_recordings,
        inputs={
            "recordings": "demonstration_recordings",
            "environment": "params:environment",
            "options": "params:demonstrations.files",
        },
        outputs="recorded_demonstrations",
        name="demonstrate_from_recordings",
    )
    merge = Node(
        merge_demonstrations,
        inputs={
            "expert": "expert_demonstrations",
            "search": "search_demonstrations",
            "files": "file_demonstrations",
            "recordings": "recorded_demonstrations",
            "environment": "params:environment",
        },
        outputs=["demonstrations", "demonstrations_summary"],
        name="merge_demonstrations",
    )
    return Pipeline(
        [expert, search, files, recordings, merge],
        namespace="demonstrations",
        prefix_datasets_with_namespace=False,
    )
