"""Layers that hold another library's module or function; each runs only on the backend of that library."""
