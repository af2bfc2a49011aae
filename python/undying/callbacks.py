"""undying.watch within the training loops of others: of Lightning, of Hugging Face's Trainer, of Keras 3 on PyTorch.

Each function takes the settings of undying.watch and gives a callback; `callback.watch` is the watch, once training has begun. Training stops
where a rule says so (rules.Stop).
"""

from __future__ import annotations

from typing import Any

from . import watch as _watch


def lightning(**settings: Any) -> Any:
    """For Trainer(callbacks=[...]) of Lightning."""
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        from pytorch_lightning.callbacks import Callback

    class Watching(Callback):
        watch: Any = None

        def on_train_start(self, trainer: Any, module: Any) -> None:
            self.watch = _watch(module, **settings)

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if self.watch.should_stop:
                trainer.should_stop = True

        def on_train_end(self, trainer: Any, module: Any) -> None:
            self.watch.close()

        def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
            if self.watch is not None:
                self.watch.close()

    return Watching()


def transformers(**settings: Any) -> Any:
    """For Trainer(callbacks=[...]) of Hugging Face's transformers."""
    from transformers import TrainerCallback

    class Watching(TrainerCallback):
        watch: Any = None

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            self.watch = _watch(model, **settings)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.watch.should_stop:
                control.should_training_stop = True

        def on_train_end(self, *_: Any, **__: Any) -> None:
            self.watch.close()

    return Watching()


def keras(**settings: Any) -> Any:
    """For fit(callbacks=[...]) of Keras 3 with the backend torch, compiled with jit_compile=False or not at all."""
    import keras as library

    if library.backend.backend() != "torch":
        from ._errors import InputError

        raise InputError(
            f"[keras] the backend is {library.backend.backend()}; expected torch (KERAS_BACKEND=torch)", "keras", "unsupported"
        )

    class Watching(library.callbacks.Callback):
        watch: Any = None

        def on_train_begin(self, logs: Any = None) -> None:
            self.watch = _watch(self.model, **settings)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.watch.optimizer is None:  # Keras's own optimizers are none of torch's
                self.watch.count_step()
            if self.watch.should_stop:
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            self.watch.close()

    return Watching()
