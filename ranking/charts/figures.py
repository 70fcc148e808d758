"""Numbers in words: the one form in which a rating and a rank are written in pictures and their alternatives."""

MINUS = "−"
EN_DASH = "–"
NO_BREAK_SPACE = "\u00a0"


def number(value: float, decimals: int = 0) -> str:
    """`1042`, `−3`, `0.4`: a typographic minus, never a negative zero."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def rating(mean: float, low: float, high: float) -> str:
    """`1042 ± 18`: the mean and half the interval's width; one decimal where the half width is below one point."""
    half = (high - low) / 2
    decimals = 1 if 0 < half < 1 else 0
    return f"{number(mean, decimals)} ± {number(half, decimals)}"


def rank_range(low: int, high: int) -> str:
    """`2–4`, or `3` where the interval is a single rank."""
    return str(low) if low == high else f"{low}{EN_DASH}{high}"


def percent(share: float) -> str:
    """`95 %`, `99.9 %`, never broken over two lines."""
    return f"{share * 100:.6g}{NO_BREAK_SPACE}%"


def listed(names: list[str], most: int = 3) -> str:
    """`A`, `A and B`, `A, B and C`, `A, B, C and 4 more`."""
    shown, rest = names[:most], len(names) - most
    parts = [*shown, f"{rest} more"] if rest > 0 else shown
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
