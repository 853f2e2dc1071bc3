from .circuit_page import (
    circuit_page as circuit_page,
    framed as framed,
    words_as_html as words_as_html,
)
from .explanation_file import (
    render_bundle_html as render_bundle_html,
    render_bundle_markdown as render_bundle_markdown,
)
from .page_scripts import (
    read_assets as read_assets,
    script as script,
)
from .suite_figures import (
    summarise_suite as summarise_suite,
)
from .suite_markdown import (
    render_markdown as render_markdown,
)
from .suite_page import (
    render_page as render_page,
)
