"""The evidence that a warning needs."""

DIAGNOSIS_SECONDS = 5
"""Between two diagnoses: soon enough while an operator sets up a proxy and watches the log. Each
takes 0.2 ms with a thousand devices."""
PROXY_FAULT_SECONDS = 3600
"""For which a proxy fault is reported after the last connection that showed it. Devices that got
400 do not retry, so a single attempt may be all the evidence."""
PUBLIC_PROXY_FAULTS = 10
"""Of one kind from public addresses before they are reported: a scan of the Internet sends one or
two, devices behind a provider's proxy send more."""
CERTIFICATE_WARNING_DAYS = 14
"""ACME clients renew 30 days before the end: half of that has passed in vain."""
SHARED_ADDRESS_DEVICES = 10
SHARED_ADDRESS_CHANNELS = 3
"""Devices and vaults behind one address from which it looks like a proxy rather than a family."""
SILENCES_KEPT = 32
MIN_EQUAL_SILENCES = 5
SILENCE_SPREAD_SECONDS = 2
MIN_SILENCE_SECONDS = 5
"""If MIN_EQUAL_SILENCES of the latest SILENCES_KEPT lost connections were silent for the same time,
to SILENCE_SPREAD_SECONDS, a timeout cut them off. Below this silence the client itself may be the
cause."""
