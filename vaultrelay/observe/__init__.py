"""What the relay knows of itself: figures, warnings, the session log and the privacy notice."""
