"""Keras.js (``.bin``): models of layers in browsers of 2018 and after, on the CPU or WebGL 2."""

from amalthea.export.kerasjs.target import TARGET

__all__ = ["TARGET"]
