"""Engines from the theory of voting: they aggregate ballots without a model of how a ballot comes about."""
