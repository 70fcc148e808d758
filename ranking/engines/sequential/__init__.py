"""Engines that update ratings ballot by ballot, so that the result depends on the order of ballots."""
