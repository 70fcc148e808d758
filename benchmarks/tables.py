"""Results of `benchmarks.engines` as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.agreement import Agreement, agreement
from benchmarks.contenders import CONTENDERS, ONLINE, REFERENCE
from benchmarks.rounds import COLD_BALLOTS, COLD_CONTESTANTS, NOT_INSTALLED, Result

NOTHING = ""


def span(seconds: float) -> str:
    """Three digits, with the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-6)} µs"


def digits(value: float) -> str:
    """Three of them, and all of a larger whole number."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def rows(cells: list[list[str]]) -> list[str]:
    head, *body = ("| " + " | ".join(line) + " |" for line in cells)
    return [head, "|" + "---|" * len(cells[0]), *body, ""]


def why_not(result: Result, limit: float) -> str:
    """Instead of a time: "over" the limit, "not installed", or how it failed."""
    return f"over {limit:g} s" if result.stopped else result.problem


def time_cell(result: Result, limit: float, repeats: int) -> str:
    """On the clock: median and ratio to ours, and how many runs there were where there were fewer; or why not."""
    if not result.seconds:
        return why_not(result, limit)
    runs = len(result.seconds)
    few = f" ({runs} run{'s' if runs > 1 else ''})" if runs < repeats else ""
    return _medians(result.seconds, result.ratios) + few


def processor_cell(result: Result) -> str:
    """On the processor: median and ratio to ours."""
    return _medians(result.cpu, result.cpu_ratios) if result.cpu else NOTHING


def _medians(values: list[float], ratios: list[float]) -> str:
    ratio = [f"{digits(statistics.median(ratios))} ×"] if ratios else []
    return ", ".join([span(statistics.median(values)), *ratio])


def memory_cell(result: Result) -> str:
    """Peak of the process, and how much of it came with the runs."""
    if not result.seconds:
        return NOTHING
    return f"{result.peak / 1e6:,.0f} MB, {result.above / 1e6:,.0f} by fitting"


def compared(result: Result, results: list[Result]) -> Agreement | None:
    """With the engine of ours that it is held against, on the same ballots; None without the scores of both."""
    same = (result.contestants, result.ballots)
    ours = next((r for r in results if r.name == result.contender.beside and (r.contestants, r.ballots) == same), None)
    if not result.scores or ours is None or not ours.scores:
        return None
    return agreement(result.scores, result.contender.scale, ours.scores, ours.contender.scale)


def agreement_cell(found: Agreement | None) -> str:
    return NOTHING if found is None else f"{found.tau:.3f}, {found.distance:.1g}"


def per_size(
    results: list[Result],
    sizes: list[int],
    cell: Callable[[Result], str],
    last: str,
    end: Callable[[list[Result]], str],
) -> list[str]:
    """A table with a row for each engine and a column for each number of ballots, and one more column."""
    cells = [["engine", *(f"{size:,} ballots" for size in sizes), last]]
    for name in dict.fromkeys(result.name for result in results):
        own = [result for result in results if result.name == name]
        cells.append([CONTENDERS[name].label, *(cell(result) for result in own), end(own)])
    return rows(cells)


def first_run(own: list[Result]) -> str:
    """Of the largest ballots there was one for."""
    return next((span(result.first) for result in reversed(own) if result.first is not None), NOTHING)


def truth_cell(own: list[Result]) -> str:
    """The agreement with the true strengths, on the fewest ballots, so that all have it on the same."""
    first = own[0]
    if not first.scores:
        return NOTHING
    return agreement_cell(agreement(first.scores, first.contender.scale, first.truth))


def comparison(results: list[Result], sizes: list[int], limit: float, repeats: int) -> list[str]:
    """Times, memory and agreement on one kind of ballots with one number of contestants."""
    timed = {result.name for result in results if result.seconds}
    scored = {result.name for result in results if result.scores and result.contender.beside != result.name}
    ours = [result for result in results if result.name == REFERENCE[results[0].ways]]
    return [
        "Time on the clock, and how many times ours:",
        "",
        *per_size(results, sizes, lambda result: time_cell(result, limit, repeats), "first run", first_run),
        "Time on the processor, and how many times ours:",
        "",
        *per_size([r for r in results if r.name in timed], sizes, processor_cell, "intervals", intervals),
        "Memory:",
        "",
        *per_size([r for r in results if r.name in timed], sizes, memory_cell, "intervals", intervals),
        "Agreement with ours, as tau and distance in logits:",
        "",
        *per_size(
            [r for r in results if r.name in scored],
            sizes, lambda result: agreement_cell(compared(result, results)),
            f"with the truth, {sizes[0]:,} ballots", truth_cell,
        ),
        f"Ours with the truth, {sizes[0]:,} ballots: {truth_cell(ours)}.",
        "",
    ]  # fmt: skip


def intervals(own: list[Result]) -> str:
    return own[0].contender.intervals


def forms(names: list[str]) -> list[str]:
    """What each engine is given and why its answers differ."""
    cells = [["engine", "candidates", "is given", "compared with", "why it differs"]]
    for name in names:
        one = CONTENDERS[name]
        beside = NOTHING if not one.why else CONTENDERS[one.beside].label
        cells.append([one.label, str(one.ways), one.form, beside, one.why])
    return rows(cells)


def one_by_one(found: dict[int, list[Result]], limit: float) -> list[str]:
    """Microseconds a ballot; `found` is by number of contestants."""
    cells = [["engine", "knows of the others", *(f"{contestants} contestants" for contestants in found)]]
    for number, one in enumerate(next(iter(found.values()))):
        known = "full covariance" if one.name == ONLINE else "nothing"
        own = [results[number] for results in found.values()]
        cells.append([one.contender.label, known, *(each(result, limit) for result in own)])
    return rows(cells)


def each(result: Result, limit: float) -> str:
    """A cell of that table."""
    if result.seconds:
        ratio = f", {digits(statistics.median(result.ratios))} ×" if result.ratios else ""
        return span(statistics.median(result.seconds) / result.ballots) + ratio
    return f"over {span(limit / result.ballots)}" if result.stopped else result.problem


def fresh(cold: dict[str, list[tuple[float, float]]]) -> list[str]:
    """From starting Python to the answer."""
    cells = [["engine", f"{COLD_BALLOTS:,} ballots, {COLD_CONTESTANTS} contestants", "on the processor"]]
    for name, took in cold.items():
        medians = [span(statistics.median(each)) for each in zip(*took, strict=True)] or [NOT_INSTALLED, NOTHING]
        cells.append([CONTENDERS[name].label, *medians])
    return rows(cells)
