"""A search for the width of a layer by scikit-learn's grid search."""

import keras
from keras import layers
from sklearn.model_selection import GridSearchCV

keras.utils.set_random_seed(1337)

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train[:600, ::2, ::2].reshape(-1, 196).astype("float32") / 255
x_test = x_test[:300, ::2, ::2].reshape(-1, 196).astype("float32") / 255
y_train, y_test = y_train[:600], y_test[:300]


def make_model(X, y, width, rate):
    model = keras.Sequential(
        [
            keras.Input(X.shape[1:]),
            layers.Dense(width, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(y.shape[-1], activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    return model


classifier = keras.wrappers.SKLearnClassifier(make_model, model_kwargs={"width": 4, "rate": 0.2})
search = GridSearchCV(classifier, {"model_kwargs": [{"width": w, "rate": 0.2} for w in (4, 64)]}, cv=2)
search.fit(x_train, y_train, batch_size=32, epochs=6, verbose=0)
print("best:", search.best_params_)
assert search.best_params_["model_kwargs"]["width"] == 64
print(f"score: {search.score(x_test, y_test):.4f}")
