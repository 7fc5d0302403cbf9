"""Making a haproxy.cfg: the options, the relays and HAProxies in it, and its text."""
