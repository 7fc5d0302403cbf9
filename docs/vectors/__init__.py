"""The test vectors of protocol 3, a module for each chapter of the page."""
