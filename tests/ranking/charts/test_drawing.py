from __future__ import annotations

import subprocess
import sys

import pytest

from ranking.charts.drawing import UnsafeDrawing, inlined
from tests.ranking.charts.fields import SVG, parsed

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def inline(body: str) -> str:
    return inlined(f"<svg {NAMESPACES}>{body}</svg>", alternative="words", title="title", id_prefix="one")


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<style>*{}</style>",
        '<image xlink:href="https://elsewhere.example/a.png"/>',
        "<foreignObject/>",
        '<a xlink:href="javascript:alert(1)"/>',
        "<g><animate/></g>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>',
        '<path fill="url(https://elsewhere.example/a)"/>',
        '<path fill="url(#nowhere)"/>',
    ],
)
def test_what_does_not_belong_into_a_page_is_refused(body: str) -> None:
    with pytest.raises(UnsafeDrawing):
        inline(body)


def test_styles_handlers_classes_and_links_are_dropped() -> None:
    svg = inline(
        '<g style="fill:red" class="mark" onclick="alert(1)" xlink:href="#a"><path d="M1,1h2" fill="red"/></g>'
    )
    (group,) = parsed(svg).findall(f"{SVG}g")
    assert group.attrib == {}
    assert group[0].attrib == {"d": "M1,1h2", "fill": "red"}


def test_ids_and_references_are_renamed_together() -> None:
    root = parsed(inline('<g clip-path="url(#clip7)"/><defs><clipPath id="clip7"/></defs>'))
    assert root.get("id") == "one"
    assert root.find(f"{SVG}g").get("clip-path") == "url(#one-1)"
    assert root.find(f"{SVG}defs/{SVG}clipPath").get("id") == "one-1"


def test_descriptions_become_tooltips() -> None:
    (path,) = parsed(inline('<path d="M0,0h1" aria-label="A &lt;b&gt;" role="graphics-symbol"/>')).findall(f"{SVG}path")
    assert path.find(f"{SVG}title").text == "A <b>"
    assert set(path.attrib) == {"d"}


def test_coordinates_are_rounded() -> None:
    (path,) = parsed(inline('<path transform="translate(66.66666666666666,-0.0001)" d="M1.005,2.5"/>')).findall(
        f"{SVG}path"
    )
    assert path.get("transform") == "translate(66.67,0)"
    assert path.get("d") == "M1,2.5"


def test_the_picture_has_a_role_a_name_and_a_title() -> None:
    root = parsed(inline(""))
    assert (root.get("role"), root.get("aria-label"), root[0].text) == ("img", "words", "title")


def test_warming_up_loads_the_renderer() -> None:
    program = (
        "import sys; from ranking.charts.drawing import warm_up; before = 'vl_convert' in sys.modules; warm_up();"
        "print(before, {'altair', 'vl_convert'} <= set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
