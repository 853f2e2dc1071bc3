from .circuit_page import (
    circuit_page as circuit_page,
    framed as framed,
    words_as_html as words_as_html,
)
from .explanation_file import (
    as_html as as_html,
    as_markdown as as_markdown,
)
from .page_scripts import (
    asset as asset,
    script as script,
)
from .suite_figures import (
    facts as facts,
)
from .suite_markdown import (
    markdown as markdown,
)
from .suite_page import (
    page as page,
)
