"""What one process runs instead of separate services: PostgreSQL, the workers, the channel layer."""
