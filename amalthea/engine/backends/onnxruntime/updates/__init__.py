"""The optimizer's elementwise update: partitioned from the graph, run as a NumPy program or as machine code."""
