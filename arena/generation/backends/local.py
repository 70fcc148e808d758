"""What backends that run models on this machine have in common. Imports nothing heavy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Generic, cast

from arena.generation.backends.forms import FormT
from arena.generation.backends.hub import first_line
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.protocol import NO_ACCESS, Access, GenerationError, Loaded, MissingLibrary

# The libraries build a model with functions of torch exchanged and its default dtype set, for the whole process: what
# another thread loads meanwhile would be built wrongly. What is generated meanwhile names its types itself.
ONE_LOADS = threading.Lock()


class LocalBackend(Generic[FormT]):
    """With `validate`, fulfils `protocol.Backend`. Torch and the library are imported when a model is loaded.

    module: where a function `load(settings, device, access)` is; needs: what to say, with what to install, where it
    cannot be imported.
    """

    remote = False
    reproducible = True

    def __init__(self, module: str, *, needs: str) -> None:
        self._module = module
        self._needs = needs

    def warnings(self, settings: FormT) -> Sequence[str]:
        return []

    def load(self, settings: FormT, device: str, access: Access = NO_ACCESS) -> Loaded:
        try:
            module = import_module(self._module)
        except ImportError as error:
            raise MissingLibrary(f"{self._needs} ({error})") from error
        return cast("Loaded", module.load(settings, device, access))


@contextmanager
def loading(model: str, device: str, reason: Callable[[Exception], str] = first_line) -> Iterator[None]:
    """What goes wrong while a model is read and put on its device, as errors that say what is in the way.

    One thread of a process loads at a time. `reason`: what to make of an error of the library. An error of the device
    may pass, one of the files will not.
    """
    try:
        with ONE_LOADS, needing_memory(device, model):
            yield
    except ImportError as error:
        raise MissingLibrary(f"{model} needs a library that is not installed: {first_line(error)}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        permanent = not isinstance(error, RuntimeError)
        raise GenerationError(f"{model} cannot be loaded: {reason(error)}", permanent=permanent) from error
