"""The configuration: flags, RELAY_* variables and the TOML file, read into Settings.

`table` declares every option once. A flag beats a variable, a variable beats the file, the file
beats the default. Imports nothing itself, since the health check uses `runtime_folder` and
`service_links`, and needs no Twisted.
"""
