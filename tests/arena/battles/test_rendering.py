"""Text that contestants wrote must not act, phone home, or name its maker."""

from __future__ import annotations

import pytest

from arena.battles.rendering import render_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>\n"),
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("`a < b`", "<p><code>a &lt; b</code></p>\n"),
        ("", ""),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert render_markdown(text) == html


def test_a_table_is_a_table() -> None:
    assert "<td>2</td>" in render_markdown("| a | b |\n|---|---|\n| 1 | 2 |")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src="https://maker.example/pixel.gif" onerror="alert(1)">',
        "![](https://maker.example/pixel.gif)",
        "[the maker](https://maker.example/)",
        "[x](javascript:alert(1))",
        "<https://maker.example/>",
        '<div style="background:url(https://maker.example/)">',
        '<iframe src="https://maker.example/"></iframe>',
        "```js\nalert(1)\n```",
        "<a href='https://maker.example/'>x</a>",
        '<svg onload="alert(1)">',
    ],
)
def test_nothing_in_it_acts_or_loads(text: str) -> None:
    html = render_markdown(text)
    for tag in ("<script", "<img", "<a ", "<iframe", "<svg", "<div", "<style"):
        assert tag not in html
    assert "=" not in html.replace("&quot;", "").split(">")[0], "no tag has an attribute"


def test_raw_html_is_shown_as_text() -> None:
    assert render_markdown("<b>x</b>") == "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"


def test_no_tag_keeps_an_attribute() -> None:
    html = render_markdown("```python\nx\n```\n\n1. a\n\n3. b\n\n| a |\n|:-:|\n| 1 |")

    assert "class" not in html
    assert "style" not in html
    assert "start" not in html
