"""Certificates and their keys, and the plain files that they and other options are read from."""
