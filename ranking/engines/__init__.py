"""Ratings from ballots: evidence in, fit out. Pure numpy, scipy and numba; usable without Django.

    from ranking.engines.interchange import BallotReader
    from ranking.engines.evidence import Evidence
    from ranking.engines import registry, standings

    with open("ballots.jsonl", "rb") as file:
        reader = BallotReader(file)
        evidence = Evidence.from_ballots(reader)   # then look at reader.problems
    fit = registry.engine_named("plackett-luce").fit(evidence)
    rows = standings.standings(fit)

`README.md` beside this file is the contract: what each part promises and how to add an engine. Importing this
package loads nothing; modules that need the compiler load it when first used.
"""
