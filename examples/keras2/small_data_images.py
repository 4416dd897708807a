"""Two classes of few pictures in folders: a generator that reads, turns and shifts them."""

import os

import numpy as np

np.random.seed(1337)

from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator

home = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
folder = os.path.join(home, "datasets", "shapes")
size, batch_size = 24, 16

model = Sequential()
model.add(Conv2D(8, (3, 3), input_shape=(size, size, 3)))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(16, (3, 3)))
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
train_generator = train_datagen.flow_from_directory(
    os.path.join(folder, "train"), target_size=(size, size), batch_size=batch_size, class_mode="binary"
)
validation_generator = test_datagen.flow_from_directory(
    os.path.join(folder, "validation"), target_size=(size, size), batch_size=batch_size, class_mode="binary"
)
model.fit_generator(
    train_generator, steps_per_epoch=10, epochs=10, verbose=2, validation_data=validation_generator, validation_steps=5
)
print("score: %.4f" % model.evaluate_generator(validation_generator, steps=5)[1])
