"""`python -m ranking.engines simulate`: its arguments, and what is printed. Loads no numeric code until it runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranking.engines.laboratory.errors import LaboratoryError
from ranking.engines.laboratory.progress import Bar
from ranking.engines.laboratory.trials import MOST_JOBS, one_thread, run_all

if TYPE_CHECKING:
    from ranking.engines.laboratory.report import Run
    from ranking.engines.laboratory.trial import Setup

INTERRUPTED = 130  # as a shell reports Ctrl-C
MOST_SEEDS = 10_000
CLUSTERS = 5
TIE_THRESHOLD = 0.3  # logits


def add(commands: Any) -> None:
    """Add the subcommand to those of `argparse`."""
    parser = commands.add_parser(
        "simulate",
        help="let engines and policies find a known order from simulated voters",
        description="Let engines and policies find a known order from simulated voters."
        " Engines and policies are NAME or NAME:OPTION=VALUE,...; every engine runs with every policy.",
    )
    _about_the_field(parser.add_argument_group("contestants"))
    _about_voters(parser.add_argument_group("voters"))
    _about_runs(parser.add_argument_group("engines and policies"))
    _about_output(parser.add_argument_group("size and output"))
    parser.set_defaults(run=run)


def _about_the_field(group: Any) -> None:
    group.add_argument("--contestants", default="normal", metavar="SHAPE",
                       help="normal, equal or clusters (default: %(default)s)")  # fmt: skip
    group.add_argument("--count", type=_whole, default=50, metavar="N", help="how many (default: %(default)s)")
    group.add_argument("--spread", type=_number, default=1.0, metavar="S",
                       help="standard deviation of strengths in logits (default: %(default)s)")  # fmt: skip
    group.add_argument("--clusters", type=_whole, default=None, metavar="N",
                       help=f"groups, where the shape is clusters (default: {CLUSTERS})")  # fmt: skip
    group.add_argument("--newcomers", type=_whole, default=0, metavar="N", help="how many of them enter late")
    group.add_argument("--joins", type=_whole, default=0, metavar="BALLOTS", help="ballots before newcomers enter")


def _about_voters(group: Any) -> None:
    group.add_argument("--voters", default="plackett-luce", metavar="KIND",
                       help="plackett-luce, thurstone, or true: always right (default: %(default)s)")  # fmt: skip
    group.add_argument("--each", type=_whole, default=20, metavar="N",
                       help="ballots that every voter casts (default: %(default)s)")  # fmt: skip
    for name, what in (
        ("--scale-sd", "standard deviation over voters of the log of how sharply they see"),
        ("--cyclic", "strength in logits of tastes that make majorities run in circles"),
        ("--random", "share of voters who rank at random"),
        ("--lazy", "share of voters who rank in the order shown"),
        ("--bloc", "share of voters who put one contestant first"),
        ("--random-ballots", "share of everybody's ballots that are random"),
    ):
        group.add_argument(name, type=_number, default=0.0, metavar="X", help=f"{what} (default: 0)")
    group.add_argument("--form", default=None, metavar="FORM",
                       help="rank, pair, best, best-worst or ties (default: rank, for K = 2 pair)")  # fmt: skip
    group.add_argument("--size", type=_whole, default=None, metavar="K",
                       help="contestants in a battle (default: 4, for pairs 2)")  # fmt: skip
    group.add_argument("--tie-threshold", type=_number, default=None, metavar="X",
                       help=f"impressions closer than this tie, in logits, where the form is ties (default:"
                       f" {TIE_THRESHOLD})")  # fmt: skip


def _about_runs(group: Any) -> None:
    group.add_argument("--engine", action="append", metavar="ENGINE",
                       help="what rates; may be repeated (default: plackett-luce)")  # fmt: skip
    group.add_argument("--policy", action="append", metavar="POLICY",
                       help="what chooses battles; may be repeated (default: misorder)")  # fmt: skip
    group.add_argument("--peer", action="append", default=[], metavar="PEER",
                       help="elo, bradley-terry, ksort, ksort-deployed, ksort-tuned, openskill or trueskill, run as"
                       " they are run elsewhere; may be repeated")  # fmt: skip
    group.add_argument("--no-rules", action="store_true",
                       help="the policy alone, without audit share, floor and ceiling of exposure")  # fmt: skip


def _about_output(group: Any) -> None:
    group.add_argument("--ballots", type=_whole, default=2000, metavar="N", help="in a trial (default: %(default)s)")
    group.add_argument("--seeds", type=_whole, default=10, metavar="N", help="trials of each (default: %(default)s)")
    group.add_argument("--seed", type=_whole, default=0, metavar="FIRST", help="the first seed (default: %(default)s)")
    group.add_argument("--step", type=_number, default=1.02, metavar="RATIO",
                       help="of successive checkpoints (default: %(default)s)")  # fmt: skip
    group.add_argument("--jobs", type=_whole, default=1, metavar="N", help="processes (default: %(default)s)")
    group.add_argument("--progress", action="store_true", help="show the bar even where there is no terminal")
    group.add_argument("--svg", metavar="FILE", help="draw the curves of tau")
    group.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(options: argparse.Namespace) -> None:
    """Raises `EngineError` for what makes no sense, before anything is simulated; Ctrl-C ends it without a word."""
    try:
        _run(options)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _run(options: argparse.Namespace) -> None:
    one_thread()
    from ranking.engines.laboratory import plot, report

    seeds = _seeds(options)
    if options.svg is not None:
        _require_writable(Path(options.svg))
    runs = simulate(options, seeds)
    if options.svg is not None:
        title = f"{options.count} contestants ({options.contestants}, spread {options.spread:g}), {len(seeds)} seeds"
        drawn = plot.drawing([run.name for run in runs], [run.finding for run in runs], title)
        Path(options.svg).write_text(drawn, "utf-8")
    if options.json:
        print(json.dumps(report.as_dict(runs, seeds), ensure_ascii=False, allow_nan=False))
    else:
        print(report.table(runs, seeds))


def simulate(options: argparse.Namespace, seeds: Sequence[int]) -> list[Run]:
    """Every engine with every policy, then the peers."""
    from ranking.engines.laboratory import findings, peers
    from ranking.engines.laboratory.report import Run

    groups = asked(options)
    setups = [setup for _, members in groups for setup in members]
    with Bar(always=options.progress) as bar:
        trials = run_all(setups, seeds, jobs=options.jobs, done=bar)
    found = iter([findings.found(each) for each in trials])
    runs = []
    for name, members in groups:
        tried = [next(found) for _ in members]
        best = peers.best(tried)
        label = name if len(members) == 1 else f"{name} ({peers.said(members, best)})"
        runs.append(Run(label, members[best], tried[best], len(members)))
    return runs


def asked(options: argparse.Namespace) -> list[tuple[str, list[Setup]]]:
    """What to run, by name, each built once so that mistakes are found before the first ballot."""
    from ranking.engines.laboratory import naming, peers
    from ranking.engines.laboratory.trial import Setup
    from ranking.engines.matchmaking.choosing import NO_RULES, Rules

    engines = [naming.parsed(text) for text in options.engine or ["plackett-luce"]]
    policies = [naming.parsed(text) for text in options.policy or ["misorder"]]
    base = Setup(
        contestants=_field(options),
        electorate=_electorate(options),
        form=_form(options),
        rules=NO_RULES if options.no_rules else Rules(),
        ballots=options.ballots,
        step=options.step,
    )
    groups = [(f"{engine} / {policy}", [replaced(base, engine, policy)]) for engine in engines for policy in policies]
    groups += [(f"peer {name}", peers.setups(name, base)) for name in options.peer]
    names = [name for name, _ in groups]
    for name in names:
        if names.count(name) > 1:
            raise LaboratoryError(f"{name} is asked for twice")
    for _, members in groups:
        for setup in members:
            made = naming.learner(setup.engine, setup.contestants.count)
            naming.policy(setup.policy)
            _require_ballots(made, setup)
    return groups


def replaced(setup: Setup, engine: Any, policy: Any) -> Setup:
    from dataclasses import replace

    return replace(setup, engine=engine, policy=policy)


def _require_ballots(made: Any, setup: Setup) -> None:
    from ranking.engines.laboratory.ballots import COMPLETE

    if not getattr(made, "takes_unknown", True) and setup.form.name not in COMPLETE:
        raise LaboratoryError(
            f"{setup.engine.name} knows no ballots with places left open, as {setup.form.name} has; use rank or ties"
        )
    if not getattr(made, "takes_ties", True) and setup.form.name == "ties":
        raise LaboratoryError(
            f"{setup.engine} holds ties for impossible; give it a chance of them, as {setup.engine.name}:"
            "draw_probability=0.1 does, or use rank"
        )


def _field(options: argparse.Namespace) -> Any:
    from ranking.engines.laboratory.contestants import Field

    if options.clusters is not None and options.contestants != "clusters":
        raise LaboratoryError(f"--clusters is for --contestants clusters, not for {options.contestants}")
    if options.joins and not options.newcomers:
        raise LaboratoryError("--joins says when newcomers enter, but there are none; give --newcomers")
    groups = CLUSTERS if options.clusters is None else options.clusters
    return Field(options.contestants, options.count, options.spread, groups, options.newcomers, options.joins)


def _electorate(options: argparse.Namespace) -> Any:
    from ranking.engines.laboratory.voters import Electorate

    return Electorate(
        options.voters, options.each, options.scale_sd, options.cyclic, options.random, options.lazy, options.bloc,
        options.random_ballots,
    )  # fmt: skip


def _form(options: argparse.Namespace) -> Any:
    from ranking.engines.laboratory.ballots import Form

    size = options.size if options.size is not None else 2 if options.form == "pair" else 4
    name = options.form if options.form is not None else "pair" if size == 2 else "rank"
    if options.tie_threshold is not None and name != "ties":
        raise LaboratoryError(f"--tie-threshold is for --form ties, not for {name}")
    return Form(name, size, TIE_THRESHOLD if options.tie_threshold is None else options.tie_threshold)


def _seeds(options: argparse.Namespace) -> list[int]:
    if not 1 <= options.seeds <= MOST_SEEDS:
        raise LaboratoryError(f"seeds must be 1 to {MOST_SEEDS}, not {options.seeds}")
    if not 1 <= options.jobs <= MOST_JOBS:
        raise LaboratoryError(f"jobs must be 1 to {MOST_JOBS}, not {options.jobs}")
    return list(range(options.seed, options.seed + options.seeds))


def _require_writable(path: Path) -> None:
    """Before minutes are spent on what cannot be kept."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise LaboratoryError(f"cannot write {path}: {error.strerror or error}") from None
    except ValueError as error:  # a path that no file system has
        raise LaboratoryError(f"cannot write {str(path)!r}: {error}") from None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more, not {text!r}")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
