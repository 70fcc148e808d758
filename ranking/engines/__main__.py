"""Rate contestants from a file of ballots: `python -m ranking.engines --help`."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from ranking.engines.errors import EngineError
from ranking.engines.interchange import BallotReader
from ranking.engines.laboratory import command as laboratory
from ranking.engines.options import OPTIONS, WRITTEN
from ranking.engines.ranges import PRIOR_SD
from ranking.engines.registry import ENGINES, Engine, engine_named

if TYPE_CHECKING:
    from ranking.engines.evidence import Evidence

BAD_INPUT = 2
MOST_REPLICATES = 100_000  # refits; a p-value of 1e-5 needs no more


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing the usage first."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {in_one_line(message)}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        try:
            options = parser().parse_args(arguments)
            options.run(options)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except EngineError as error:
        return refused(str(error))
    except MemoryError:
        return refused("there is not enough memory for this many contestants")
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return refused(f"cannot write the result: {error.strerror or error}")
    return 0


def refused(reason: str) -> int:
    sys.stderr.write(f"ranking.engines: {in_one_line(reason)}\n")
    return BAD_INPUT


def in_one_line(message: str) -> str:
    """Paths and values inside a message can have line ends of their own."""
    return " ".join(message.split("\n"))


def write(text: str) -> None:
    """Print, with escapes for control characters and for what the encoding of standard output lacks."""
    from ranking.engines.report import printable

    text = "\n".join(printable(line) for line in text.split("\n"))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def write_json(found: object) -> None:
    """Print one line of JSON; in plain ASCII, with JSON's own escapes, where standard output is not UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(json.dumps(found, ensure_ascii=encoding.lower() not in ("utf-8", "utf8"), allow_nan=False))


def parser() -> argparse.ArgumentParser:
    result = Parser(prog="python -m ranking.engines", description="Ratings from ballots, with honest uncertainty.")
    commands = result.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")
    fit = commands.add_parser("fit", help="fit an engine to a file of ballots and print the standings")
    fit.add_argument("ballots", metavar="BALLOTS.jsonl", help="one ballot a line; - reads standard input")
    fit.add_argument("--engine", default="plackett-luce", help="see the engines command (default: %(default)s)")
    fit.add_argument(
        "--prior-sd", type=_prior_sd, metavar="S", help="prior standard deviation in logits; learned if absent"
    )
    fit.add_argument(
        "--option", type=_assignment, action="append", default=[], metavar="NAME=VALUE",
        help="an option of the engine, as the engines command lists them; may be repeated",
    )  # fmt: skip
    fit.add_argument("--level", type=_level, default=0.95, help="of the intervals (default: %(default)s)")
    fit.add_argument("--scale", choices=("natural", "elo"), default="natural", help="logits, or 1000 + 173.7 x logits")
    fit.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    fit.set_defaults(run=run_fit)
    diagnose = commands.add_parser("diagnose", help="say what to know before believing the standings")
    diagnose.add_argument("ballots", metavar="BALLOTS.jsonl", help="one ballot a line; - reads standard input")
    diagnose.add_argument(
        "--prior-sd", type=_prior_sd, metavar="S", help="prior standard deviation in logits; learned if absent"
    )
    diagnose.add_argument(
        "--replicates", type=_count, default=199, metavar="N",
        help="of the test for cycles, a refit each; 0 leaves it untested (default: %(default)s)",
    )  # fmt: skip
    diagnose.add_argument(
        "--unit", choices=("voter", "ballot"), default="voter",
        help="what stays together when ballots are held out (default: %(default)s)",
    )  # fmt: skip
    diagnose.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    diagnose.set_defaults(run=run_diagnose)
    engines = commands.add_parser("engines", help="list the engines")
    engines.add_argument("--json", action="store_true", help="print a JSON list instead of text")
    engines.set_defaults(run=run_engines)
    laboratory.add(commands)
    return result


def run_fit(options: argparse.Namespace) -> None:
    engine = engine_named(options.engine)
    if options.prior_sd is not None and "prior_sd" not in engine.options:
        raise EngineError(f"{engine.name} has no prior; leave --prior-sd out")
    chosen = engine_options(engine, options)
    evidence, oddities = read(options.ballots)

    from ranking.engines import report, standings  # after the input is known to be good

    fit = engine.fit(evidence, **chosen)
    rows = standings.standings(fit, level=options.level, scale=options.scale)
    found = report.report(fit, rows, options.level, options.scale, oddities)
    if options.json:
        write_json(found)
    else:
        write(report.table(found))


def run_diagnose(options: argparse.Namespace) -> None:
    evidence, oddities = read(options.ballots)

    from ranking.engines import diagnosis  # after the input is known to be good

    found = diagnosis.diagnose(evidence, prior_sd=options.prior_sd, replicates=options.replicates, unit=options.unit)
    found["warnings"] += oddities
    if options.json:
        write_json(found)
    else:
        write(diagnosis.text(found))


def engine_options(engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    """What `--prior-sd` and `--option` ask for, as keyword arguments of the engine."""
    chosen: dict[str, Any] = {} if options.prior_sd is None else {"prior_sd": options.prior_sd}
    for name, text in options.option:
        if name not in engine.options or name not in WRITTEN:
            there = ", ".join(option for option in engine.options if option in WRITTEN) or "none"
            raise EngineError(f"{engine.name} has no option {name!r} that can be written here; there are: {there}")
        if name in chosen:
            raise EngineError(f"{name} is given twice")
        try:
            chosen[name] = WRITTEN[name](text)
        except ValueError:
            nouns: dict[object, str] = {int: "a whole number", float: "a number"}
            noun = nouns.get(WRITTEN[name], "true or false")
            raise EngineError(f"option {name} must be {noun}, not {text!r}") from None
    return chosen


def read(path: str) -> tuple[Evidence, list[str]]:
    """The evidence in a file and what was odd about it; an `EngineError` names the first bad line."""
    from ranking.engines.evidence import Evidence

    try:
        with opened(path) as file:
            reader = BallotReader(file)
            evidence = Evidence.from_ballots(reader)
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror or error}") from None
    if reader.problems:
        more = len(reader.problems) - 1
        rest = f" (and {more} more bad line{'s' if more > 1 else ''})" if more else ""
        raise EngineError(f"{path}: {reader.problems[0]}{rest}")
    if not len(evidence):
        raise EngineError(f"{path}: there are no ballots in it")
    return evidence, [str(oddity) for oddity in reader.oddities]


def opened(path: str) -> BinaryIO:
    if path != "-":
        try:
            return open(path, "rb")
        except ValueError as error:  # a path that no file system has
            raise EngineError(f"cannot read {path!r}: {error}") from None
    if sys.stdin is None:
        raise EngineError("cannot read standard input: it is closed")
    return sys.stdin.buffer


def run_engines(options: argparse.Namespace) -> None:
    fields = ("name", "title", "equation", "accepts", "uncertainty", "cost")
    rows = [
        {field: getattr(engine, field) for field in fields} | {"options": described(engine)}
        for engine in ENGINES.values()
    ]
    if options.json:
        write_json(rows)
        return
    for row in rows:
        print(f"{row['name']}: {row['title']}")
        for field in fields[2:]:
            print(f"    {field:<12} {row[field]}")
        for option in row["options"]:
            if option["written"]:
                default = "" if option["default"] is None else f" (default: {in_words(option['default'])})"
                print(f"    {'option':<12} {option['name']}: {option['meaning']}{default}")


def described(engine: Engine) -> list[dict[str, Any]]:
    """Its options; those that are not `written` take Python objects and are for the library."""
    return [
        {"name": name, "meaning": OPTIONS[name].meaning, "default": default, "written": name in WRITTEN}
        for name, default in engine.options.items()
    ]


def in_words(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:.4g}" if isinstance(default, float) else str(default)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    return name.replace("-", "_"), value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) > MOST_REPLICATES:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {MOST_REPLICATES}, not {text[:20]!r}")
    return int(text)


def _prior_sd(text: str) -> float:
    value, (low, high) = _number(text), PRIOR_SD
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must lie between {low:g} and {high:g}, not {text}")
    return value


def _level(text: str) -> float:
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, not {text}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
