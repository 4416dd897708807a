"""The optimizer's update, taken out of the session: partition of the graph, NumPy program, machine code."""
