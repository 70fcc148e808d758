"""What the embedded mode runs inside one process instead of separate services: PostgreSQL, the worker, the channel layer."""
