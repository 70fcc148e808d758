"""Contestants' names made fit to be drawn.

Nothing that XML forbids, nothing that reorders its surroundings, no longer than the space. A server cannot know the
viewer's font, so widths are estimated from a wide one (DejaVu Sans); in a narrower font a label gets a little more air.
The estimate also keeps the picture the same on every machine.
"""

import unicodedata

ELLIPSIS = "…"
NAMELESS = "(no name)"
ZERO_WIDTH_JOINER = "\u200d"
# Format characters (category Cf) that names in Arabic, Persian, Indic scripts and emoji need; all others are dropped,
# bidirectional overrides among them, as they would reorder the text around the name.
KEPT_FORMATS = frozenset({ZERO_WIDTH_JOINER, "\u200c", "\u200e", "\u200f", "\u061c"})
MOST_MARKS = 4  # combining marks on one letter; more only serve to paint over the neighbouring rows

# Advance widths in em, by character; the font is DejaVu Sans, rounded up.
_WIDTHS = {
    **dict.fromkeys("ijl'", 0.28),
    **dict.fromkeys("I|.,:; ", 0.34),
    **dict.fromkeys("ft()[]/\\-r!", 0.42),
    **dict.fromkeys("szcxykv", 0.6),
    **dict.fromkeys("w+=<>~", 0.84),
    **dict.fromkeys("mMWOQ@%", 1.0),
    **dict.fromkeys("ABCDEFGHJKLNPRSTUVXYZ", 0.77),
    ELLIPSIS: 1.0,
}
_ELSE, _WIDE, _PICTURE = 0.65, 1.05, 1.35


def printable(name: str) -> str:
    """The name on one line without control, format, surrogate or private characters; `(no name)` if nothing is left."""
    kept: list[str] = []
    marks = 0
    for character in " ".join(name.split()):
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MOST_MARKS or (category[0] == "C" and not _is_needed_format(character)):
            continue
        kept.append(character)
    return "".join(kept).strip() or NAMELESS


def isolated(text: str) -> str:
    """The text set apart (U+2068 … U+2069) if it runs right to left, so that it keeps its punctuation and its place."""
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text):
        return f"\u2068{text}\u2069"
    return text


def text_width(text: str, size: float) -> float:
    """Estimated width in pixels at a font size in pixels."""
    return size * sum(_cluster_width(cluster) for cluster in _clusters(text))


def shortened(text: str, room: float, size: float) -> str:
    """The text, or its two ends around an ellipsis, at most `room` pixels wide.

    The end is kept because versions stand there. Never splits an emoji, or a letter from its marks.
    """
    if text_width(text, size) <= room:
        return text
    clusters = _clusters(text)
    widths = [size * _cluster_width(cluster) for cluster in clusters]
    room -= size * _WIDTHS[ELLIPSIS]
    head = tail = 0
    used = 0.0
    while head + tail < len(clusters):
        from_head = 2 * tail >= head  # two from the beginning for each one from the end
        width = widths[head] if from_head else widths[-1 - tail]
        if used + width > room:
            break
        used += width
        head, tail = (head + 1, tail) if from_head else (head, tail + 1)
    return "".join(clusters[:head]).rstrip() + ELLIPSIS + "".join(clusters[len(clusters) - tail :]).lstrip()


def _is_needed_format(character: str) -> bool:
    return character in KEPT_FORMATS or "\U000e0020" <= character <= "\U000e007f"  # tags spell some flags


def _clusters(text: str) -> list[str]:
    """What a reader sees as one character: a base with its marks, an emoji sequence, a flag."""
    clusters: list[str] = []
    for character in text:
        if clusters and _continues(clusters[-1], character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _continues(cluster: str, character: str) -> bool:
    if cluster.endswith(ZERO_WIDTH_JOINER) or unicodedata.category(character) in ("Mn", "Me", "Mc", "Cf"):
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff":  # skin tones
        return True
    return _is_regional(character) and len(cluster) == 1 and _is_regional(cluster)


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _cluster_width(cluster: str) -> float:
    base = cluster[0]
    if base in _WIDTHS:
        return _WIDTHS[base]
    if unicodedata.category(base) in ("Mn", "Me", "Cf"):
        return 0.0
    if base >= "\U0001f000" or "\ufe0f" in cluster:
        return _PICTURE
    return _WIDE if unicodedata.east_asian_width(base) in ("W", "F") else _ELSE
