"""Scripts of Keras 1 and 2 as they are: ``import keras`` means Amalthea, in the manner of a version.

    import amalthea.compat.keras            # at the top of a script; or: amalthea run script.py
    from amalthea.compat import backend as K

| file | contents |
|---|---|
| ``importer.py`` | the finder of modules ``keras`` and ``tensorflow.keras`` |
| ``eras.py``, ``signs.py`` | the version in whose manner a script runs, and how it is found |
| ``addresses.py``, ``absent.py`` | where names of old modules are, and why some are not |
| ``calls.py``, ``old_classes.py`` | calls of classes, by the tables of ``amalthea.spellings`` |
| ``model_methods.py``, ``layer_methods.py`` | methods and arguments of models and layers |
| ``old_losses.py``, ``old_metrics.py``, ``old_callbacks.py``, ``old_files.py`` | behaviour of old |
| ``numpy_streams.py`` | draws that follow ``np.random.seed`` |
| ``merging.py``, ``graph.py``, ``generators.py``, ``initializations.py``, ``configs.py`` | what Keras 3 does not have |
| ``tensorflow.py`` | the stand-in for TensorFlow |
| ``backend`` | ``keras.backend`` |
| ``spelling.py``, ``differences.py``, ``defaults.py`` | old spellings that a script has, listed at exit |
| ``upgrading``, ``drift`` | scripts in today's spelling; scripts of Python 2 and of older libraries |
| ``notebooks.py`` | ``%load_ext amalthea`` |
| ``datasets.py``, ``utils.py``, ``scikit_learn.py``, ... | old helpers |
"""
