"""Ordinal ratings by several raters: how good each item is, how severe each rater. `faceted` has the model."""
