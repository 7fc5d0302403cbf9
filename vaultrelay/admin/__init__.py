"""The admin endpoint: metrics and status page on a port of their own, imported only if wanted."""
