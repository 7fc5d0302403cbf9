"""The configuration: flags, RELAY_* variables and the TOML file, read into Settings.

The modules `*_options` declare every option once. A flag overrides a variable, a variable the file,
the file the default. Imports nothing itself, since the health check uses `runtime_folder` and
`service_links`, and needs no Twisted.
"""
