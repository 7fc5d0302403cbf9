"""Trials: what docs/reliability.rst promises, measured on a real relay under bad conditions.

::

    .venv/bin/python -m benchmarks.trials [NAME ...]

Prints figures and judges nothing: the tests do. Client and relay share the machine.
"""
