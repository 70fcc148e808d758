"""What turns a prompt into a candidate. Nothing here imports Django, so a bare worker can run it."""
