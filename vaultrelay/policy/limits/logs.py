"""Limits of the log."""

SUMMARY_SECONDS = 60
"""Between two log lines about counted events, such as refusals: soon enough while an operator
watches a first device fail, and one line a minute at most under an attack."""
FEW_HANDSHAKES = 8
"""Unfinished in that time, if all are of PROBED_HANDSHAKES: a `vault-relay check` leaves three, and
a port scan as many. They are logged at info, and more of them as a warning."""
LOG_LINES_OF_A_KIND = 30
"""In that time; more of the same kind are only counted. All lines of a quiet relay pass, and a
client that joins in a loop writes 3 KB a minute."""
LOG_KINDS = 200
"""Kinds of lines that the limit distinguishes: more than the relay and its libraries have."""
LOG_LINE_BYTES = 40 * 1024
"""One line of JSON. The journal splits lines above 48 KB, and a half object is useless. Ours have 2
KB at most, unless an operator names the relay a hundred times."""
LOG_STACK_FRAMES = 50
"""Stack frames of an exception in such a line, innermost first: more than any but an endless
recursion has."""
PSEUDONYM_CHARACTERS = 6
"""Of an alphabet of 32, 30 bits: of 1000 devices in one day, two share one on a day in 2100."""
PSEUDONYM_SECONDS = 86_400
"""The lifetime of a key for pseudonyms, from midnight UTC: enough to investigate a failure of
today, and no device can be followed from day to day."""
