"""One module a family: what Keras answers to each case. These import Keras; nothing that a test imports does."""
