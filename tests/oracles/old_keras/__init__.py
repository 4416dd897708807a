"""Answers of Keras 1 and 2, which run in Pythons of their own: see README.md."""
