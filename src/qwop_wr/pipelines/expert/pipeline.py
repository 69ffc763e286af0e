"""From random weights to an expert, its guides and a tape."""

from kedro.pipeline import Node, Pipeline

from qwop_wr.pipelines.expert.nodes import (
    coach_champion,
    coach_expert,
    crown_successor,
    refine_expert,
    search_with_expert,
    select_expert,
    select_guides,
    take_candidate,
    take_trained,
    train_expert,
)
from qwop_wr.pipelines.expert.progress import draw_progress, trace_progress
from qwop_wr.pipelines.inputs import parameters
from qwop_wr.pipelines.training.nodes import take_agent


def create_pipeline() -> Pipeline:
    """Train an expert, refine guides from it, coach it, and let it challenge the reigning one.

    Returns:
        Pipeline from parameters to ``expert_agent``, ``guide_agents`` and ``expert_tape``.
    """
    return _training() + _search()


def create_succession() -> Pipeline:
    """Coach the best agent of earlier runs on, and let it challenge the expert.

    Returns:
        Pipeline from the champion and the guides to ``expert_agent`` and ``champion_agent``.
    """
    coach = Node(
        coach_champion,
        inputs={
            **parameters("environment", "seed", "evaluation", "resume"),
            "champion": "reigning_champion_agent",
            "reigning": "reigning_expert_agent",
            "guides": "reigning_guide_agents",
            "interrupted": "interrupted_succession_training",
            "stage": "params:succession",
        },
        outputs="succession_training",
        name="coach_champion",
    )
    take = Node(
        take_agent,
        inputs={"training": "succession_training", "stage": "params:succession"},
        outputs=["succession_agent", "succession_history", "succession_gate"],
        name="take_agent",
    )
    crown = Node(
        crown_successor,
        inputs={
            "successor": "succession_agent",
            "gate": "expert_gate",
            "champion": "reigning_champion_agent",
            "reigning": "reigning_expert_agent",
        },
        outputs="champion_agent",
        name="crown_successor",
    )
    return Pipeline([coach, take, _selection("succession_agent"), crown])


def _training() -> Pipeline:
    train = Node(
        train_expert,
        inputs={
            **parameters("environment", "seed", "evaluation", "resume"),
            "interrupted": "interrupted_expert_training",
            "reigning": "reigning_expert_agent",
            "games": "params:expert.games",
            "options": "params:expert.options",
            "begins_with": "params:expert.begins_with",
        },
        outputs="expert_training",
        name="train_expert",
    )
    take = Node(
        take_trained,
        inputs="expert_training",
        outputs=["expert_trained_agent", "expert_history"],
        name="take_trained",
    )
    coach = Node(
        coach_expert,
        inputs={
            **parameters("environment", "seed", "evaluation", "resume"),
            "trained": "expert_trained_agent",
            "guides": "expert_guides",
            "interrupted": "interrupted_expert_coaching_training",
            "stage": "params:expert.coaching",
        },
        outputs="expert_coaching_training",
        name="coach_expert",
    )
    take_coached = Node(
        take_candidate,
        inputs={"coaching": "expert_coaching_training", "trained": "expert_trained_agent"},
        outputs=["expert_candidate", "expert_coaching_history", "expert_coaching_gate"],
        name="take_candidate",
    )
    return Pipeline([train, take, coach, take_coached, _selection("expert_candidate")])


def _selection(candidate: str) -> Node:
    return Node(
        select_expert,
        inputs={
            **parameters("environment", "seed", "evaluation"),
            "candidate": candidate,
            "reigning": "reigning_expert_agent",
            "options": "params:expert.gate",
        },
        outputs=["expert_agent", "expert_gate"],
        name="select_expert",
    )


def _search() -> Pipeline:
    refine = Node(
        refine_expert,
        inputs={
            **parameters("environment", "seed", "resume"),
            "trained": "expert_trained_agent",
            "interrupted": "interrupted_expert_guides",
            "options": "params:expert.refinement",
        },
        outputs=["expert_guides", "expert_rounds", "expert_found_tape"],
        name="refine_expert",
    )
    search = Node(
        search_with_expert,
        inputs={
            **parameters("environment", "seed", "resume", "compute"),
            "guides": "expert_guides",
            "found": "expert_found_tape",
            "interrupted": "interrupted_expert_tape",
            "options": "params:expert.hunt",
        },
        outputs=["expert_tape", "expert_hunt"],
        name="search_with_expert",
    )
    select = Node(
        select_guides,
        inputs={
            **parameters("environment", "seed"),
            "candidates": "expert_guides",
            "reigning": "reigning_guide_agents",
            "options": "params:expert.refinement",
        },
        outputs=["guide_agents", "guides_gate"],
        name="select_guides",
    )
    trace = Node(
        trace_progress,
        inputs=["expert_history", "expert_rounds", "expert_coaching_history", "expert_hunt"],
        outputs="expert_progress",
        name="trace_progress",
    )
    draw = Node(draw_progress, "expert_progress", "expert_progress_figure", name="draw_progress")
    return Pipeline([refine, search, select, trace, draw])
