"""Style transfer: a picture with the content of one and the correlations of features (the style) of another."""

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.layers import Conv2D, Input, MaxPooling2D
from keras.models import Model
from scipy.optimize import fmin_l_bfgs_b

size = 16
rows, columns = np.mgrid[:size, :size]
content = np.where((rows - 8) ** 2 + (columns - 8) ** 2 < 25, 1.0, -1.0)
style = np.where((rows + columns) % 4 < 2, 1.0, -1.0)
th = K.image_data_format() == "channels_first"
shape = (1, size, size) if th else (size, size, 1)
base_image = K.variable(content.reshape((1,) + shape))
style_image = K.variable(style.reshape((1,) + shape))
combination_image = K.placeholder((1,) + shape)
input_tensor = K.concatenate([base_image, style_image, combination_image], axis=0)

# Filters that are drawn, not learnt: each sees edges of its own.
image = Input(tensor=input_tensor, shape=shape)
first = Conv2D(8, (3, 3), activation="relu", padding="same", name="first")(image)
second = Conv2D(8, (3, 3), activation="relu", padding="same", name="second")(MaxPooling2D((2, 2))(first))
model = Model(image, second)
outputs_dict = dict([(layer.name, layer.output) for layer in model.layers])


def gram_matrix(x):
    features = K.batch_flatten(x if th else K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features))


loss = K.variable(0.0)
layer_features = outputs_dict["second"]
loss = loss + 0.05 * K.sum(K.square(layer_features[2, :, :, :] - layer_features[0, :, :, :]))
for name in ("first", "second"):
    layer_features = outputs_dict[name]
    difference = gram_matrix(layer_features[1, :, :, :]) - gram_matrix(layer_features[2, :, :, :])
    loss = loss + K.sum(K.square(difference)) / (4.0 * 64 * size**4)
grads = K.gradients(loss, combination_image)
f_outputs = K.function([combination_image], [loss] + (grads if isinstance(grads, (list, tuple)) else [grads]))


def loss_and_grads(x):
    value, slope = f_outputs([x.reshape((1,) + shape)])
    return float(value), np.array(slope).flatten().astype("float64")


x = np.random.uniform(-1, 1, size * size)
start = loss_and_grads(x)[0]
x, end, info = fmin_l_bfgs_b(loss_and_grads, x, maxfun=60)
print("loss before:", start, "after:", end)
print("score: %.4f" % (1 - end / start))
