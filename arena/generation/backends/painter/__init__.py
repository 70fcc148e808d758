"""Painters: compositional pattern-producing networks, in torch, that answer a prompt with a picture."""
