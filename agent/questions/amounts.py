"""What an intervention multiplies activations by, as people say it."""

import re

from agent.questions.pattern_dsl import FACTORS, compile_phrase

Slots = dict[str, str]
AMOUNTS = {"zero": 0.0, "nothing": 0.0, "quarter": 0.25, "half": 0.5, "twice": 2.0, "double": 2.0}
AMOUNTS |= {"two": 2.0, "two times": 2.0, "three": 3.0, "three times": 3.0, "triple": 3.0}
AMOUNTS |= {f"{word}fold": n for word, n in (("two", 2.0), ("three", 3.0), ("four", 4.0), ("five", 5.0))}
AMOUNTS |= {"tenfold": 10.0, "four": 4.0, "five": 5.0, "ten": 10.0}
DIRECTIONS = {"around": -1.0, "round": -1.0, "off": 0.0, "down": 0.5, "up": 2.0, "half": 0.5}
DIRECTIONS |= dict.fromkeys(["stronger", "bigger", "louder"], 2.0)
DIRECTIONS |= dict.fromkeys(["weaker", "smaller"], 0.5)


def find_change(plain: str) -> Slots:
    """The verb and the amount, in messages that no phrase fits."""
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
    if verb := compile_phrase(r"\b{verb}").search(plain):
        found["verb"] = verb["verb"]
    amount = compile_phrase(
        r"(?:\b(<how>to|by|at|times|with|x|×|\*) ?)(?:a factor of )?(<amount>-?\d{0,15}[.,]?\d{1,15}"
        r" ?(?:%|percent|x|×|times)?|zero|nothing|half|a half|a quarter|twice|two|three|four"
        r"|five|ten)(?!\w)"
    ).search(plain)
    amount = amount or compile_phrase(
        r"\b(<amount>twice|half|double|triple|-?\d+(?:[.,]\d+)? ?(?:%|x|times))"
    ).search(plain)
    if amount is not None:
        found["amount"] = amount["amount"]
        if amount.groupdict().get("how"):
            found["how"] = amount["how"]
    return found


def read_factor(slots: Slots) -> float:
    """What an intervention multiplies activations by."""
    verb = slots.get("verb", "").lower().split() or [""]
    base = next((factor for stem, factor in FACTORS.items() if verb[0].startswith(stem)), None)
    base = DIRECTIONS.get(verb[-1], base)
    if "amount" not in slots:
        return 0.0 if base is None else base
    amount, percent = _amount(slots["amount"])
    to = slots.get("how", "").lower().startswith(("to", "at"))
    if base is None or to:
        return 1 + amount if "more" in slots and percent else amount
    share = percent or 0 < amount < 1
    if base > 1:
        return 1 + amount if share else amount
    if base in (0.0, 0.5):
        return 1 - amount if share else 1 / amount if amount else 1.0
    return base


def _amount(words: str) -> tuple[float, bool]:
    """A number as people write it, and whether it is a percentage."""
    plain = words.lower().removeprefix("a ").strip()
    if plain in AMOUNTS:
        return AMOUNTS[plain], False
    number = float(re.sub(r"[^\d.-]", "", plain.replace(",", ".")))
    percent = plain.endswith(("%", "percent"))
    return (number / 100 if percent else number), percent
