"""Callbacks: objects that are called at the beginning and end of training, epochs and batches.

A callback uses the public attributes of the model only: ``model.optimizer.learning_rate``, ``model.stop_training``,
``model.save``, ``save_weights``, ``get_weights``, ``set_weights``.

The training loop calls them through one :class:`CallbackList`:

    callbacks = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0, model=model,
                             verbose=verbose, epochs=epochs, steps=adapter.steps)
    callbacks.on_train_begin()
    for epoch in range(callbacks.first_epoch(initial_epoch), epochs):
        callbacks.on_epoch_begin(epoch)
        for step, batch in enumerate(adapter.batches(epoch)):
            if callbacks.has_train_batch_hooks:
                callbacks.on_train_batch_begin(step)
            run(batch)
            if callbacks.has_train_batch_hooks:
                callbacks.on_train_batch_end(step, read_logs)
            if model.stop_training: break
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training: break
    callbacks.on_train_end(logs)

``read_logs`` is a function without arguments that returns a dict of floats. It is called at most once a batch, and only
if some callback needs the logs: the progress bar a few times a second, a checkpoint every so many batches. So a loop
whose callbacks need no logs does not wait for the device. A dict may be passed in its place.

Each callback has a file of its own, such as ``early_stopping.py``. ``monitor.py`` is the base of callbacks that watch a
metric; ``progbar.py`` draws, ``console.py`` prints.
"""

from amalthea.callbacks.backup_and_restore import BackupAndRestore
from amalthea.callbacks.callback import Callback
from amalthea.callbacks.callback_list import CallbackList
from amalthea.callbacks.csv_logger import CSVLogger
from amalthea.callbacks.early_stopping import EarlyStopping
from amalthea.callbacks.history import History
from amalthea.callbacks.lambda_callback import LambdaCallback
from amalthea.callbacks.learning_rate_scheduler import LearningRateScheduler
from amalthea.callbacks.model_checkpoint import ModelCheckpoint
from amalthea.callbacks.orbax_checkpoint import OrbaxCheckpoint
from amalthea.callbacks.progbar_logger import ProgbarLogger
from amalthea.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from amalthea.callbacks.remote_monitor import RemoteMonitor
from amalthea.callbacks.swap_ema_weights import SwapEMAWeights
from amalthea.callbacks.tensorboard import TensorBoard
from amalthea.callbacks.terminate_on_nan import TerminateOnNaN
from amalthea.names import missing_in as _missing_in

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

__getattr__ = _missing_in("callbacks")
