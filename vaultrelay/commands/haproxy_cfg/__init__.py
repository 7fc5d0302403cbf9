"""Making a haproxy.cfg: what was asked for, the relays and HAProxies in it, and its text."""
