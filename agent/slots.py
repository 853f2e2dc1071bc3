"""What an intervention is to do, in messages that no phrase fits."""

import re

from agent.vocabulary import compiled

Slots = dict[str, str]


def change(plain: str) -> Slots:
    """The verb and the amount of an intervention."""
    found: Slots = {}
    if strong := re.search(
        r"\b(?:crank|pump|ramp|push|dial|turn)\w*\b.*?\b(?P<verb>up|down|harder)\b"
        r"|\b(?P<soft>ton\w+ down|damp"
        r"|quiet)|\b(?P<loud>stronger|louder|more|boost|full blast)\b|\b(?P<weak>weaker|less)\b",
        plain,
        re.I,
    ):
        down = strong["verb"] == "down" or strong["soft"] or strong["weak"]
        found["verb"] = "turn down" if down else "turn up"
    if verb := compiled(r"\b{verb}").search(plain):
        found["verb"] = verb["verb"]
    amount = compiled(
        r"(?:\b(<how>to|by|at|times|with|x|×|\*) ?)(?:a factor of )?(<amount>-?\d{0,15}[.,]?\d{1,15}"
        r" ?(?:%|percent|x|×|times)?|zero|nothing|half|a half|a quarter|twice|two|three|four"
        r"|five|ten)(?!\w)"
    ).search(plain)
    amount = amount or compiled(
        r"\b(<amount>twice|half|double|triple|-?\d+(?:[.,]\d+)? ?(?:%|x|times))"
    ).search(plain)
    if amount is not None:
        found["amount"] = amount["amount"]
        if amount.groupdict().get("how"):
            found["how"] = amount["how"]
    return found
