"""The HTTP pages of the relay, on twisted.web."""
