"""Starts the real `hub` binary, on either store, for the Python test suites."""
