"""Concepts held in the residual stream: found with a concept lens, changed, and followed to the answer.

The names are in `__init__.pyi`; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
