"""The player's parts, before a browser sees them."""

import base64
import hashlib
import json
import math
import re

import pytest

from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.anatomy import JOINTS, PART_NAMES
from qwop_wr.simulator.tape import Tape
from qwop_wr.viewer import render_player, shoot_film
from qwop_wr.viewer.player import describe_game


def test_joints_hold_the_bodies_together() -> None:
    game = describe_game()
    state = make_simulator("exact").state[0]

    def place(body: str, x: float, y: float) -> tuple[float, float]:
        cx, cy, angle = state[PART_NAMES.index(body), :3]
        return (
            cx + math.cos(angle) * x - math.sin(angle) * y,
            cy + math.sin(angle) * x + math.cos(angle) * y,
        )

    assert game["bodies"][:12] == list(PART_NAMES)
    for joint in JOINTS:
        drawn = game["joints"][joint.name]
        told = place(drawn["body"], drawn["x"], drawn["y"])
        assert told == pytest.approx(place(joint.body_b, *joint.anchor_b), abs=0.1)
    for side in ("left", "right"):
        # Hands are the ends of the forearms away from the elbows.
        hand = place(f"{side}_forearm", *game["hands"][side])
        elbow = game["joints"][f"{side}_elbow"]
        assert math.dist(hand, place(elbow["body"], elbow["x"], elbow["y"])) > 2.5


def test_pace_is_the_human_records() -> None:
    splits = describe_game()["pace"]["splits"]
    assert splits[0] == [0, 0.0]
    assert splits[-1] == [100, 45.53]
    assert splits == sorted(splits)


def test_script_is_one_closed_piece_named_by_its_hash(fall: Tape) -> None:
    player = render_player([shoot_film(fall, "run")])
    assert "</script" not in player.script
    digest = base64.b64encode(hashlib.sha256(player.script.encode()).digest()).decode()
    assert player.script_hash == f"sha256-{digest}"
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "fetch(", "http"):
        assert forbidden not in player.script


def test_names_stay_data(fall: Tape) -> None:
    evil = "</script><script>alert(1)</script><!--"
    markup = render_player([shoot_film(fall, evil, evil)]).markup
    assert markup.count("<script") == markup.count("</script") == 1
    text = re.search(r'<script type="application/json">(.*?)</script>', markup, re.DOTALL)
    assert text is not None
    assert json.loads(text[1])["runs"][0]["label"] == evil


def test_shows_one_to_five(fall: Tape) -> None:
    film = shoot_film(fall, "run")
    for number in (0, 6):
        with pytest.raises(ValueError, match=f"1 to 5 films, got {number}"):
            render_player([film] * number)
    assert "1 to 5 choose a run" in render_player([film] * 5).markup


def test_every_colour_that_is_drawn_with_is_known(fall: Tape) -> None:
    player = render_player([shoot_film(fall, "run")])
    known = re.search(r'data-colours="([^"]*)"', player.markup)
    assert known is not None
    used = set(re.findall(r'"(--[a-z-]+)"', player.script))
    assert used <= set(known[1].split())
