"""Two classes of few pictures in folders: a data set that reads them, and layers that turn and shift them."""

import os
from pathlib import Path

import keras
from keras import layers

keras.utils.set_random_seed(1337)

home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
folder = home / "datasets" / "shapes"
options = {"label_mode": "binary", "image_size": (24, 24), "batch_size": 16, "verbose": False}
train = keras.utils.image_dataset_from_directory(folder / "train", seed=3, **options)
validation = keras.utils.image_dataset_from_directory(folder / "validation", shuffle=False, **options)

model = keras.Sequential(
    [
        keras.Input((24, 24, 3)),
        layers.Rescaling(1 / 255),
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomZoom(0.1),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(train, epochs=12, validation_data=validation, verbose=2)
print(f"score: {model.evaluate(validation, verbose=0)[0]:.4f}")
