"""Text from language models, by the library `transformers`."""
