"""A small tensor compiler: types, graphs, gradients, passes and backends. It imports no layer, loss or optimizer.

`README.md` in this folder lists the parts, their import order, and six files to read first.
"""
