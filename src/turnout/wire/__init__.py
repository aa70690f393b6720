"""The Messages format in and out, without I/O."""
