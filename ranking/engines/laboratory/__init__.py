"""Simulated arenas: known strengths, voters by an equation, engines and policies that must find the order."""
