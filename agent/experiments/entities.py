"""A small reviewed table of things of one kind, and what is said of each. Facts only; runs nothing.

Used to propose texts that differ in one entity; what the model says of them is always measured.
"""

from functools import cache
from typing import NamedTuple

_STATES = """
Texas:Austin California:Sacramento Colorado:Denver Georgia:Atlanta Massachusetts:Boston Arizona:Phoenix
Ohio:Columbus Tennessee:Nashville Illinois:Springfield Florida:Tallahassee Oregon:Salem Hawaii:Honolulu
Nevada:Carson_City Utah:Salt_Lake_City Michigan:Lansing Minnesota:Saint_Paul Wisconsin:Madison
Indiana:Indianapolis Virginia:Richmond Louisiana:Baton_Rouge Pennsylvania:Harrisburg Alaska:Juneau
Iowa:Des_Moines Kansas:Topeka Oklahoma:Oklahoma_City Idaho:Boise Montana:Helena Maine:Augusta
"""
_COUNTRIES = """
France:Paris:euro:French:Europe Japan:Tokyo:yen:Japanese:Asia Germany:Berlin:euro:German:Europe
Italy:Rome:euro:Italian:Europe India:Delhi:rupee:Hindi:Asia China:Beijing:yuan:Chinese:Asia
Russia:Moscow:ruble:Russian:Europe Spain:Madrid:euro:Spanish:Europe Egypt:Cairo:pound:Arabic:Africa
England:London:pound:English:Europe Mexico:Mexico_City:peso:Spanish:North_America
Brazil:Brasilia:real:Portuguese:South_America Canada:Ottawa:dollar:English:North_America
Kenya:Nairobi:shilling:Swahili:Africa Nigeria:Abuja:naira:English:Africa Turkey:Ankara:lira:Turkish:Asia
Poland:Warsaw:zloty:Polish:Europe Sweden:Stockholm:krona:Swedish:Europe Greece:Athens:euro:Greek:Europe
Portugal:Lisbon:euro:Portuguese:Europe Thailand:Bangkok:baht:Thai:Asia Vietnam:Hanoi:dong:Vietnamese:Asia
Iran:Tehran:rial:Persian:Asia Israel:Jerusalem:shekel:Hebrew:Asia Peru:Lima:sol:Spanish:South_America
Chile:Santiago:peso:Spanish:South_America Argentina:Buenos_Aires:peso:Spanish:South_America
Austria:Vienna:euro:German:Europe Ireland:Dublin:euro:English:Europe Norway:Oslo:krone:Norwegian:Europe
"""
_PLAYERS = """
Michael_Jordan:basketball Tiger_Woods:golf LeBron_James:basketball Serena_Williams:tennis Tom_Brady:football
Roger_Federer:tennis Lionel_Messi:soccer Babe_Ruth:baseball Rafael_Nadal:tennis Kobe_Bryant:basketball
Wayne_Gretzky:hockey Peyton_Manning:football Derek_Jeter:baseball Mike_Tyson:boxing Phil_Mickelson:golf
"""
_LANDMARKS = """
Eiffel_Tower:Paris Colosseum:Rome Brandenburg_Gate:Berlin Empire_State_Building:New_York Kremlin:Moscow
Golden_Gate_Bridge:San_Francisco Acropolis:Athens Louvre:Paris Space_Needle:Seattle Forbidden_City:Beijing
"""
_ELEMENTS = """
iron:Fe gold:Au silver:Ag oxygen:O hydrogen:H carbon:C helium:He sodium:Na copper:Cu lead:Pb tin:Sn
"""
_OPPOSITES = """
up:down small:large hot:cold good:bad fast:slow high:low black:white big:small happy:sad old:new light:dark
rich:poor left:right open:closed
"""
_CITIES = """
Dallas:Texas Oakland:California Chicago:Illinois Miami:Florida Houston:Texas Detroit:Michigan
Seattle:Washington Portland:Oregon Atlanta:Georgia Philadelphia:Pennsylvania Cleveland:Ohio Denver:Colorado
"""
_NAMES = "John Mary Tom Anna David Sarah Peter Laura Paul Emma"
_SEQUENCES = {
    "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "months": "January February March April May June July August September October November December",
    "numbers": "one two three four five six seven eight nine ten",
}


class Kind(NamedTuple):
    """Entities of one kind, with what is said of each by the word that asks for it."""

    name: str  # plural, as people say it
    asked: tuple[str, ...]  # the words of a text that ask for each column (patterns)
    rows: dict[str, tuple[str, ...]]


@cache
def list_kinds() -> tuple[Kind, ...]:
    """The table, in the order in which a text's entity is looked for."""
    countries = _rows(_COUNTRIES)
    capitals = {row[0]: (name, *row[1:]) for name, row in countries.items()}
    return (
        Kind("states", ("capital",), _rows(_STATES)),
        Kind("countries", ("capital", "currency", "language", "continent"), countries),
        Kind("cities", ("country", "currency", "language", "continent"), capitals),
        Kind("cities", ("state|is in",), _rows(_CITIES)),
        Kind("players", ("sport",), _rows(_PLAYERS)),
        Kind("landmarks", ("city",), _rows(_LANDMARKS)),
        Kind("elements", ("symbol",), _rows(_ELEMENTS)),
        Kind("words", ("opposite",), _rows(_OPPOSITES)),
        Kind("names", (), dict.fromkeys(_NAMES.split(), ())),
    )


@cache
def list_sequences() -> dict[str, tuple[str, ...]]:
    """Words in their order, by what they are called."""
    return {name: tuple(words.split()) for name, words in _SEQUENCES.items()}


def _rows(table: str) -> dict[str, tuple[str, ...]]:
    rows = (entry.replace("_", " ").split(":") for entry in table.split())
    return {name: tuple(said) for name, *said in rows}
