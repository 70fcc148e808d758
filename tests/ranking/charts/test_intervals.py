from __future__ import annotations

import math
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranking.charts.interval_layout import NARROWEST, lay_out
from ranking.charts.intervals import IntervalRow, interval_plot
from ranking.charts.theme import DARK, LIGHT, Theme
from tests.ranking.charts.fields import SVG, field, is_shortened, parsed, row, texts, tooltips

HOSTILE = [
    "</svg><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '" onload="alert(1)" x="',
    "' onload='alert(1)",
    "]]><!-- &lt; &#60; &amp;",
    "url(#elsewhere)",
    "javascript:alert(1)",
    "<b> & \"both\" 'quotes'",
    "🦊 fox 👩🏽‍🚀 🇩🇪",
    "نموذج الصور (2.1)",
    "null",
    "00123",
    "\u202eoverride\u2069",
    "nothing\x00but\x08controls\x1b",
    "half a pair \ud83d",
]
ALLOWED_ON_ROOT = {"role", "aria-label", "font-family", "font-variant", "direction"}


@pytest.mark.parametrize("size", [1, 2, 12, 60, 200])
@pytest.mark.parametrize("width", [NARROWEST, 360, 640, 1200])
def test_every_contestant_has_a_row_from_best_to_worst(size: int, width: int) -> None:
    rows = field(size)
    chart = interval_plot(list(reversed(rows)), theme=LIGHT, level=0.95, width=width)
    assert [words.split(":")[0] for words in tooltips(chart.svg)] == [each.name for each in rows]
    labels = [text for text in texts(chart.svg) if text.startswith("contestant ")]
    assert labels == [each.name for each in rows]


def test_equal_ranks_are_ordered_by_rating_and_then_by_name() -> None:
    rows = [row("b", 1000.0), row("a", 1000.0), row("c", 1010.0), row("z", 1050.0, rank=2)]
    chart = interval_plot(rows, theme=LIGHT, level=0.95)
    assert [words.split(":")[0] for words in tooltips(chart.svg)] == ["c", "a", "b", "z"]


def test_ratings_and_ranks_stand_with_their_intervals() -> None:
    chart = interval_plot([row("A", 1042.4, 18.2, rank_high=4), row("B", 990, 9, rank=2)], theme=LIGHT, level=0.9)
    shown = texts(chart.svg)
    assert {"1042 ± 18", "1–4", "990 ± 9", "2", "rating with its 90\u00a0% credible interval"} <= set(shown)
    assert tooltips(chart.svg)[0] == "A: 1042 ± 18 (90\u00a0% credible interval 1024 to 1061), rank 1–4"


def test_a_dot_stands_at_its_mean_on_a_line_that_spans_its_interval() -> None:
    rows = field(5)
    layout = lay_out(rows, 640)
    svg = interval_plot(rows, theme=LIGHT, level=0.95).svg
    dots = dot_positions(svg)
    lines = [element for element in parsed(svg).iter(f"{SVG}line") if element.get("stroke-width") == "1.4"]
    for index, each in enumerate(rows):
        assert dots[index] == pytest.approx((layout.x_of(each.mean) - layout.left, layout.middle_of(index)), abs=0.02)
        assert place(lines[index])[0] == pytest.approx(layout.x_of(each.low) - layout.left, abs=0.02)
        assert float(lines[index].get("x2", "nan")) == pytest.approx(
            layout.x_of(each.high) - layout.x_of(each.low), abs=0.02
        )


def test_the_reference_line_stands_at_the_field_average() -> None:
    rows = [row("A", 1300), row("B", 1250, rank=2)]
    layout = lay_out(rows, 640)
    svg = interval_plot(rows, theme=LIGHT, level=0.95).svg
    (line,) = [element for element in parsed(svg).iter(f"{SVG}line") if element.get("stroke") == LIGHT.reference]
    assert place(line)[0] == pytest.approx(layout.x_of(1000) - layout.left, abs=0.51)
    assert "field average" in texts(svg)


def test_preliminary_contestants_differ_in_shape_and_in_words() -> None:
    rows = [row("settled"), row("new", 990, rank=2, preliminary=True)]
    svg = interval_plot(rows, theme=LIGHT, level=0.95).svg
    assert [is_filled(path) for path in circles(svg)] == [True, True, False, False]  # two in the key
    assert {line.get("stroke-dasharray") for line in parsed(svg).iter(f"{SVG}line")} == {None, "3,2"}
    assert tooltips(svg)[1].endswith(", preliminary")
    assert "preliminary" in texts(svg)
    colours = {path.get("fill") for path in circles(svg)} | {path.get("stroke") for path in circles(svg)}
    assert colours == {LIGHT.ink, None}


def test_a_settled_field_needs_no_word_on_preliminary_ones() -> None:
    assert "preliminary" not in interval_plot(field(5), theme=LIGHT, level=0.95).svg


def test_a_field_of_newcomers_explains_its_only_mark() -> None:
    svg = interval_plot([row("new", preliminary=True)], theme=LIGHT, level=0.95).svg
    assert "preliminary rating with its 95\u00a0% credible interval" in texts(svg)


def test_a_newcomer_does_not_squeeze_the_others() -> None:
    settled = field(6)
    newcomer = row("new", 1005, 600, rank=4, preliminary=True)
    layout = lay_out([*settled, newcomer], 640)
    assert (layout.low, layout.high) == pytest.approx((lay_out(settled, 640).low, lay_out(settled, 640).high))
    svg = interval_plot([*settled, newcomer], theme=LIGHT, level=0.95).svg
    triangles = [path for path in parsed(svg).iter(f"{SVG}path") if is_filled(path) and "A" not in path.get("d", "A")]
    assert len(triangles) == 2
    assert "1005 ± 600" in texts(svg)


def test_an_interval_twice_as_wide_is_simply_drawn() -> None:
    layout = lay_out([*field(6), row("new", 1000, 60, rank=4, preliminary=True)], 640)
    assert layout.low < 940
    assert layout.high > 1060


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str) -> None:
    svg = interval_plot([row(name), row("second", 990, rank=2)], theme=LIGHT, level=0.95, id_prefix="board").svg
    assert_safe(svg, "board")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=8), st.integers(NARROWEST, 900))
def test_any_names_give_a_safe_picture(names: list[str], width: int) -> None:
    rows = [row(name, 1000 - place, rank=place) for place, name in enumerate(names, start=1)]
    svg = interval_plot(rows, theme=DARK, level=0.95, width=width).svg
    assert_safe(svg, "intervals")
    assert len(tooltips(svg)) == len(names)


def test_long_names_are_shortened_in_the_picture_and_whole_in_the_tooltip() -> None:
    name = "a-diffusion-model-with-an-extraordinarily-long-name-and-everything-v2.1-turbo"
    svg = interval_plot([row(name)], theme=LIGHT, level=0.95).svg
    (label,) = [text for text in texts(svg) if is_shortened(text)]
    assert label.startswith("a-diffusion")
    assert label.endswith("turbo")
    assert tooltips(svg)[0].startswith(f"{name}:")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("size", [1, 60])
def test_the_same_rows_give_the_same_bytes(theme: Theme, size: int) -> None:
    first = interval_plot(field(size), theme=theme, level=0.95)
    interval_plot(field(3), theme=LIGHT, level=0.5)  # the renderer counts on
    assert interval_plot(field(size), theme=theme, level=0.95) == first


def test_a_new_process_gives_the_same_bytes() -> None:
    program = (
        "from tests.ranking.charts.fields import field; from ranking.charts.theme import LIGHT;"
        "from ranking.charts.intervals import IntervalRow, interval_plot;"
        "print(ascii(interval_plot(field(9), theme=LIGHT, level=0.95).svg))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert ascii(interval_plot(field(9), theme=LIGHT, level=0.95).svg) == other


def test_light_and_dark_differ_in_colours_alone() -> None:
    light = interval_plot(field(9), theme=LIGHT, level=0.95).svg
    dark = interval_plot(field(9), theme=DARK, level=0.95).svg
    colours = r'"#[0-9a-f]{6}"'
    assert re.sub(colours, "", light) == re.sub(colours, "", dark)
    assert set(re.findall(colours, light)) == {f'"{each}"' for each in inks(LIGHT)}
    assert set(re.findall(colours, dark)) == {f'"{each}"' for each in inks(DARK)}


@pytest.mark.parametrize("size", [1, 12, 60, 200])
def test_the_picture_keeps_its_width_and_scales(size: int) -> None:
    root = parsed(interval_plot(field(size), theme=LIGHT, level=0.95, width=500).svg)
    assert root.get("width") == "500"
    assert root.get("viewBox") == f"0 0 500 {root.get('height')}"
    assert root.find(f"{SVG}rect") is None  # nothing is painted behind the marks


def test_rows_shrink_as_the_field_grows_and_letters_stay_legible() -> None:
    layouts = [lay_out(field(size), 640) for size in (1, 12, 60, 200)]
    assert [layout.row_height for layout in layouts] == sorted((layout.row_height for layout in layouts), reverse=True)
    assert all(layout.font_size >= 11 for layout in layouts)
    assert all(layout.row_height > layout.font_size for layout in layouts)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.booleans()), min_size=1, max_size=20),
    st.integers(NARROWEST, 1600),
)
def test_every_dot_and_every_label_lies_inside_the_picture(
    ratings: list[tuple[float, float, bool]], width: int
) -> None:
    rows = [row("x" * 40, mean, half, preliminary=new) for mean, half, new in ratings]
    layout = lay_out(rows, width)
    assert layout.plot_width > width / 6
    assert all(layout.left <= layout.x_of(each.mean) <= layout.left + layout.plot_width for each in rows)
    assert layout.low <= 1000 <= layout.high
    assert all(layout.low <= tick <= layout.high for tick in layout.ticks)
    assert 1 <= len(layout.ticks) <= width / 40


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("name", ["mean", "low", "high"])
def test_a_number_that_cannot_be_drawn_is_refused(name: str, number: float) -> None:
    numbers = {"mean": 1000.0, "low": 980.0, "high": 1020.0} | {name: number}
    with pytest.raises(ValueError, match=f"'Aurora': {name} is .*, not a rating"):
        IntervalRow(name="Aurora", rank=1, rank_low=1, rank_high=1, **numbers)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"low": 1001.0}, "lies outside its interval"),
        ({"rank_low": 3, "rank_high": 2}, "with interval 3 to 2"),
        ({"rank_low": 0}, "with interval 0 to 1"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        row("Aurora", **changes)


def test_nothing_to_draw_and_impossible_wishes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one contestant"):
        interval_plot([], theme=LIGHT, level=0.95)
    for level in (0.0, 1.0, 95.0, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            interval_plot(field(2), theme=LIGHT, level=level)
    with pytest.raises(ValueError, match="at least 280 pixels, not 279"):
        interval_plot(field(2), theme=LIGHT, level=0.95, width=279)
    for prefix in ("", "1st", 'a"b', "a b"):
        with pytest.raises(ValueError, match="id_prefix"):
            interval_plot(field(2), theme=LIGHT, level=0.95, id_prefix=prefix)


def test_importing_the_plot_does_not_import_the_renderer() -> None:
    program = "import sys, ranking.charts.intervals; print({'altair', 'vl_convert', 'django'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def assert_safe(svg: str, prefix: str) -> None:
    """Nothing that a strict content security policy would stop, nothing that another picture on the page could meet."""
    root = parsed(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "path", "line", "rect", "text", "title", "defs", "clipPath"}
    for element in root.iter():
        names = set(element.attrib) - (ALLOWED_ON_ROOT if element is root else set())
        assert not [
            name for name in names if name.startswith(("on", "aria", "{")) or name in ("style", "class", "href")
        ]
        assert element.get("id", prefix).startswith(prefix)
        if element is not root:
            assert not [
                value for value in element.attrib.values() if re.search(r"[<>\"']|url\((?!#intervals|#board)", value)
            ]
    assert root.get("role") == "img"


def circles(svg: str) -> list[ET.Element]:
    return [path for path in parsed(svg).iter(f"{SVG}path") if "A" in path.get("d", "")]


def is_filled(path: ET.Element) -> bool:
    return path.get("fill", "none") not in ("none", "transparent")


def place(element: ET.Element) -> tuple[float, float]:
    found = re.fullmatch(r"translate\(([-\d.]+),([-\d.]+)\)", element.get("transform", ""))
    assert found is not None
    return float(found[1]), float(found[2])


def dot_positions(svg: str) -> list[tuple[float, float]]:
    return [place(path) for path in circles(svg)]


def inks(theme: Theme) -> set[str]:
    return {theme.ink, theme.muted, theme.reference, theme.rule, theme.grid}
