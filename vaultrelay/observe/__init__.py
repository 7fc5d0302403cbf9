"""Figures of the relay, warnings, the session log and the privacy notice."""
