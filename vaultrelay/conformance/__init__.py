"""The conformance kit: a scripted relay that plays cases, and judges a client behind an adapter.

Cases are data: `cases/*.toml`, and the decision vectors in `cases/decisions.json`. A client is
driven through an adapter, a program that speaks JSON lines (docs/conformance.rst).
"""
