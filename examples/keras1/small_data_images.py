"""Two classes of few pictures in folders: a generator that reads, turns and shifts them."""

import os

import numpy as np

np.random.seed(1337)

from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator

home = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
folder = os.path.join(home, "datasets", "shapes")
size, batch_size = 24, 16
shape = (3, size, size) if K.image_dim_ordering() == "th" else (size, size, 3)

model = Sequential()
for filters in (8, 16):
    model.add(Convolution2D(filters, 3, 3, input_shape=shape) if filters == 8 else Convolution2D(filters, 3, 3))
    model.add(Activation("relu"))
    model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(32))
model.add(Activation("relu"))
model.add(Dropout(0.3))
model.add(Dense(1))
model.add(Activation("sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

train_datagen = ImageDataGenerator(
    rescale=1.0 / 255, shear_range=0.1, zoom_range=0.1, width_shift_range=0.1, horizontal_flip=True
)
test_datagen = ImageDataGenerator(rescale=1.0 / 255)
options = {"target_size": (size, size), "batch_size": batch_size, "class_mode": "binary"}
train_generator = train_datagen.flow_from_directory(os.path.join(folder, "train"), **options)
validation_generator = test_datagen.flow_from_directory(os.path.join(folder, "validation"), **options)
model.fit_generator(
    train_generator,
    samples_per_epoch=160,
    nb_epoch=10,
    verbose=2,
    validation_data=validation_generator,
    nb_val_samples=80,
)
print("score: %.4f" % model.evaluate_generator(validation_generator, val_samples=80)[0])
