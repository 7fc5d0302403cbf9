"""Several relays as one cluster: their URLs, their status, and the requests for it."""
