"""Models of symbolic inputs and outputs: the network of their calls, and its configuration."""
