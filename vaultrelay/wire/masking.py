"""apply_mask: masks or unmasks bytes with a 4-byte key (RFC 6455, section 5.3)."""

try:
    from websockets.speedups import apply_mask
except ImportError:  # where its compiled part is missing: slower, and the same
    from websockets.utils import apply_mask

__all__ = ["apply_mask"]
