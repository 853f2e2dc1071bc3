"""What can go wrong with a lens in ways a user can act on; every text is fit to show."""

from tracer.errors import TracerError


class LensError(TracerError):
    """A lens that cannot be found or read, or that belongs to another model."""
