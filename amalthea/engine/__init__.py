"""A small tensor compiler that knows no layer: types, graphs, gradients, passes, backends."""
