"""Layers that hold another library's module or function; each runs on the backend of that library alone."""
