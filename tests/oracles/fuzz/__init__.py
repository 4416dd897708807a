"""Random calls of ops and random models, drawn from seeds, for two libraries to be compared on."""
