"""Certificates and their keys, and the plain files of these and other options."""
