"""Forward hooks that are seen by the thread alone that set them.

One model serves several threads: a lens is fitted in the background while a question is asked. A plain hook
would write what one of them changes into the other's run, or keep the other's activations as its own.
"""

import threading
from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle


def hook_before(module: nn.Module, hook: Callable[..., Any], *, with_kwargs: bool = False) -> RemovableHandle:
    """A forward pre-hook of the calling thread; what it returns takes the place of the module's inputs."""
    return module.register_forward_pre_hook(_of_this_thread(hook), with_kwargs=with_kwargs)


def hook_after(module: nn.Module, hook: Callable[..., Any]) -> RemovableHandle:
    """A forward hook of the calling thread; what it returns takes the place of the module's output."""
    return module.register_forward_hook(_of_this_thread(hook))


def _of_this_thread(hook: Callable[..., Any]) -> Callable[..., Any]:
    owner = threading.get_ident()

    def own(*args: Any) -> Any:
        return hook(*args) if threading.get_ident() == owner else None

    return own
