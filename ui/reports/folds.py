"""Markdown of the agent as HTML: no tag of it is kept but the folds that the agent itself makes."""

import re
from html import escape

from markdown_it import MarkdownIt

FOLD = re.compile(
    r"^<details><summary>([^<>\n]*)</summary>\n\n(.*?)\n\n</details>$", re.DOTALL | re.MULTILINE
)


def rendered(markdown: str) -> str:
    """The markdown as HTML; a tag in it is shown as text, a fold as a fold."""
    md = MarkdownIt("commonmark", {"html": False})
    parts = FOLD.split(markdown)  # what stands before, then line and content of a fold, and so on
    out = [md.render(parts[0])]
    for line, folded, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        out += [f"<details><summary>{escape(line)}</summary>\n{md.render(folded)}</details>\n"]
        out.append(md.render(after))
    return "".join(out)


def rendered_inline(markdown: str) -> str:
    """One line of it, without a paragraph round it."""
    return str(MarkdownIt("commonmark", {"html": False}).renderInline(markdown))
