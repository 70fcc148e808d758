"""The interval plot: one line a contestant, best first, a dot at the mean and a thin line for the credible interval."""

from collections.abc import Sequence

from ranking.charts.drawing import Chart, draw
from ranking.charts.figures import percent
from ranking.charts.interval_layout import lay_out
from ranking.charts.interval_row import IntervalRow
from ranking.charts.interval_words import interval_sentences
from ranking.charts.theme import Theme

__all__ = ["Chart", "IntervalRow", "interval_plot"]


def interval_plot(
    rows: Sequence[IntervalRow], *, theme: Theme, level: float, width: int = 640, id_prefix: str = "intervals"
) -> Chart:
    """Draw ratings with their credible intervals of probability `level`, sorted by rank, then mean.

    Preliminary contestants are hollow and dashed; a line marks the field's average, 1000. The SVG is transparent,
    `width` pixels wide and scales down (`max-width: 100%; height: auto`); give every picture on a page an `id_prefix`
    of its own. The same rows give the same bytes. Raises ValueError for no rows, a level outside (0, 1), a width
    below 280 and a prefix that cannot be an id.
    """
    from ranking.charts.interval_marks import picture  # imports Altair

    if not rows:
        raise ValueError("an interval plot needs at least one contestant")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, not {level}")
    ordered = sorted(rows, key=lambda row: (row.rank, -row.mean, row.name))
    chart, datasets = picture(ordered, lay_out(ordered, width), theme, level)
    return draw(
        chart,
        datasets,
        alternative=interval_sentences(ordered, level),
        title=f"Ratings with {percent(level)} credible intervals",
        id_prefix=id_prefix,
    )
