"""The arrays of the cases: the same in every Python, from NumPy's old generator."""

import numpy as np


def numbers(shapes, mirrored=False):
    """Arrays of uniform numbers from -2 to 2, rounded to 1/64; ``("ints", shape, below)`` gives whole numbers, and
    ``("positive", shape)`` numbers from 0 to 1."""
    state = np.random.RandomState(5)
    made = []
    for shape in shapes:
        if shape and shape[0] == "ints":
            made.append(state.randint(0, shape[2], shape[1]).astype("int32"))
        elif shape and shape[0] == "kernel":
            kernel = (state.randint(-128, 129, shape[1]) / 64.0).astype("float32")
            window = (slice(None),) * shape[2] + (slice(None, None, -1),) * shape[3]
            made.append(np.ascontiguousarray(kernel[window]) if mirrored else kernel)
        elif shape and shape[0] == "positive":
            made.append((state.randint(1, 64, shape[1]) / 64.0).astype("float32"))
        else:
            made.append((state.randint(-128, 129, shape) / 64.0).astype("float32"))
    return made
