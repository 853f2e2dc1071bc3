from .circuit_page import (
    circuit_page as circuit_page,
    framed as framed,
    words_as_html as words_as_html,
)
from .explanation_file import (
    SCRIPTS as SCRIPTS,
    as_html as as_html,
    as_markdown as as_markdown,
    asset as asset,
)
from .suite_page import (
    facts as facts,
    markdown as markdown,
    page as page,
)
