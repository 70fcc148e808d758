"""From an Altair chart to an SVG that may stand inside a page under a strict content security policy.

Altair takes about a quarter of a second to import and vl-convert about as long again for its first picture, so both
are imported when first needed and `warm_up` lets a worker pay beforehand.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranking.charts.theme import FONT

if TYPE_CHECKING:
    import altair as alt

VEGA_LITE = "6.4"  # the grammar Altair 6 writes; vl-convert carries several
SVG_NAMESPACE = "http://www.w3.org/2000/svg"

# Everything a picture needs and nothing that runs, loads or styles. What Vega adds for scripts and for assistive
# technology inside the picture (classes, roles) is dropped: to a reader it is one image with one description.
ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath", "title"})
PLACE = frozenset({"x", "x1", "x2", "y", "y1", "y2", "cx", "cy", "r", "d", "width", "height", "transform", "viewBox"})
PAINT = frozenset(
    {"fill", "fill-opacity", "opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap"}
    | {"stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "clip-path", "id"}
)
LETTERS = frozenset({"font-size", "font-style", "font-weight", "text-anchor"})
ATTRIBUTES = PLACE | PAINT | LETTERS
LOCAL_REFERENCE = re.compile(r"url\(#([\w-]+)\)")
DECIMALS = re.compile(r"-?\d+\.\d{3,}")
ID_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


Datasets = dict[str, list[dict[str, Any]]]


class UnsafeDrawing(ValueError):
    """The renderer wrote something that does not belong into a page."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture to be put into a page as it is, and the same in words."""

    svg: str
    alt: str


def warm_up() -> None:
    """Import the renderer and draw a nearly empty picture, so that the first real one takes milliseconds."""
    import altair as alt

    chart = alt.Chart(alt.NamedData(name="nothing")).mark_point().encode(alt.X(field="x", type="quantitative"))
    draw(chart, {"nothing": [{"x": 0}]}, alternative="", title="", id_prefix="warm-up")


def draw(
    chart: "alt.Chart | alt.LayerChart", datasets: Datasets, *, alternative: str, title: str, id_prefix: str
) -> Chart:
    """Render a chart whose layers name their data; a mark's description becomes its tooltip.

    Data are passed beside the chart because Altair checks inline values one by one against its grammar, which takes
    longer than drawing them. Ids begin with `id_prefix`. Raises ValueError for a prefix that cannot be an id and
    UnsafeDrawing for output outside the allow-list.
    """
    import vl_convert

    if not ID_PREFIX.fullmatch(id_prefix):
        raise ValueError(f"id_prefix must be letters, digits, - and _, beginning with a letter, not {id_prefix!r}")
    specification = {**chart.to_dict(validate=False), "datasets": datasets}
    raw = vl_convert.vegalite_to_svg(specification, vl_version=VEGA_LITE, allowed_base_urls=[])
    return Chart(svg=inlined(raw, alternative=alternative, title=title, id_prefix=id_prefix), alt=alternative)


def inlined(raw: str, *, alternative: str, title: str, id_prefix: str) -> str:
    """Vega's SVG reduced to the allow-list and named for assistive technology, coordinates to 0.01 pixels."""
    root = ET.fromstring(raw)  # noqa: S314 (written by our own renderer, which emits no document type)
    ids: dict[str, str] = {}
    _clean(root, ids, id_prefix)
    _rename_references(root, ids)
    root.set("xmlns", SVG_NAMESPACE)
    root.set("id", id_prefix)
    root.set("role", "img")
    root.set("aria-label", alternative)
    root.set("font-family", FONT)
    root.set("font-variant", "tabular-nums")
    root.set("direction", "ltr")  # text anchors would swap sides on a right-to-left page
    root.insert(0, _element("title", title))
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, ids: dict[str, str], id_prefix: str) -> None:
    element.tag = element.tag.removeprefix(f"{{{SVG_NAMESPACE}}}")
    if element.tag not in ELEMENTS:
        raise UnsafeDrawing(f"the renderer wrote <{element.tag}>")
    tooltip = element.get("aria-label")
    kept = {name: value for name, value in element.attrib.items() if name in ATTRIBUTES and value}
    element.attrib = {name: _rounded(value) for name, value in kept.items()}
    if old := element.get("id"):
        ids[old] = f"{id_prefix}-{len(ids) + 1}"
        element.set("id", ids[old])
    for child in list(element):
        if _is_blank(child):
            element.remove(child)
        else:
            _clean(child, ids, id_prefix)
    if tooltip:
        element.insert(0, _element("title", tooltip))


def _rename_references(root: ET.Element, ids: dict[str, str]) -> None:
    """Vega numbers clip paths by a process-wide counter: without new names the same rows would give other bytes."""
    for element in root.iter():
        for name, value in element.attrib.items():
            if "url(" not in value or name == "aria-label":
                continue
            match = LOCAL_REFERENCE.fullmatch(value)
            if match is None or match[1] not in ids:
                raise UnsafeDrawing(f"the renderer wrote {name}={value!r}")
            element.set(name, f"url(#{ids[match[1]]})")


def _is_blank(element: ET.Element) -> bool:
    """Frames that Vega writes round every group and does not show."""
    return element.get("display") == "none" or element.get("d") in ("", "M0,0h0v0h0Z")


def _rounded(value: str) -> str:
    """With two decimals at most, and `+ 0.0` for zeros without a sign."""
    return DECIMALS.sub(lambda match: f"{round(float(match[0]), 2) + 0.0:.2f}".rstrip("0").rstrip("."), value)


def _element(tag: str, text: str) -> ET.Element:
    element = ET.Element(tag)
    element.text = text
    return element
