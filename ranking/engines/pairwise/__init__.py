"""Engines that look at a ballot two items at a time, and what they share: observed pairs, links, intervals."""
