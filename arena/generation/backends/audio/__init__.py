"""Speech, music and other sound from text, by the library `transformers`."""
