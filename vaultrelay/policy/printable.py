"""Text that is safe to print: a terminal or a log reader acts on no character of it."""


def printable(text: str) -> str:
    """Return `text` with every character escaped that a terminal or a log reader could act on."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
