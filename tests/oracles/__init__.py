"""Numbers made by Keras, so that the tests can compare with it where it is not installed."""
