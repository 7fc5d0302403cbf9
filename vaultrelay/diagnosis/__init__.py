"""What the relay notices about how it is run, each with the cure in a sentence."""
