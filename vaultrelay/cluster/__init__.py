"""Several relays seen as one: which they are, what each says of itself, and how it is asked."""
