"""Words of Keras 1 and 2 that Keras 3 does not have: ``keras.backend``, old datasets, utils and wrappers.

from amalthea.compat import backend as K
"""
