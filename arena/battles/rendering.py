"""Text that contestants wrote, as HTML that cannot do anything."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# Neither pictures nor links: both would let an output phone home, or name its maker, before the ballot.
_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}


def render_markdown(text: str) -> SafeString:
    """CommonMark with tables, raw HTML shown as text, then cleaned to a short list of harmless tags."""
    return mark_safe(nh3.clean(_markdown.render(text), tags=_TAGS, attributes={}))  # noqa: S308  (cleaned)
