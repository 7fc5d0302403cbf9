"""Every limit and deadline of the relay, each with its reason.

Sizes are bytes and times are seconds, unless the name says otherwise. What an operator can change
is a default here; `Settings` holds the value in force.
"""

import sys
from dataclasses import dataclass

from vaultrelay.wire import announced

# What an operator can change.

DEFAULT_PORT = 8080
"""Above 1023, so that no privilege is needed."""
DEFAULT_MAX_CONNECTIONS = 1000
"""Suits a small server: at 17 KB each with TLS, the devices take less than the relay itself."""
SHARE_PER_ADDRESS = 4
"""Divides the capacity into shares of one network address: with 1000 connections an office of 250
devices behind one address fits, and no one address can fill the relay."""
MIN_PER_ADDRESS = 64
"""A household with a full channel fits, even on a small relay."""
DEFAULT_SESSION_TTL = 3600
"""An app that sent nothing for an hour is asleep or abandoned; it joins again when it wakes."""
DEFAULT_MESSAGE_BYTES = 1024 * 1024
"""A vault's largest attachment chunk with room to spare, and small enough to hold many of."""
DEFAULT_MESSAGES_PER_SECOND = 2000
"""Deliveries. A tenth of what one core relays when messages arrive singly."""
DEFAULT_BYTES_PER_SECOND = 16 * 1024 * 1024
"""Delivered bytes: 134 Mbit/s, more than a home connection uploads."""
DEFAULT_CHANNEL_DEVICES = 64
"""More devices than one person owns; bounds what one broadcast can cost."""
DEFAULT_DRAIN_SECONDS = 20
"""Spreads reconnecting devices. The systemd unit waits longer than this before it kills."""

NODE_NAME_CHARS = 32
"""Of --node-name, which is in every welcome: a host's short name, or a word and a number."""

# From accept to the join.

HEAD_BYTES = 8 * 1024
"""The size of a request head. Browsers with cookies and proxies with their additions stay below
it."""
HEAD_SECONDS = 10
"""From accept to a whole request, TLS handshake included: enough for slow links, and a bound on
idle connections."""
LISTEN_BACKLOG = 4096
"""Connections that the kernel keeps for the relay, the most that Linux allows by default. Beyond it
TCP tries again after 1, 3, 7 and 15 s: with 1024, of 10 000 devices that came with TLS 370 to 1610
gave up. A full unix socket refuses at once, and a proxy then tries another relay, which splits a
channel: with 50, of 3000 simultaneous connections through HAProxy 540 went to another relay."""
UNIX_PATH_BYTES = 107 if sys.platform.startswith("linux") else 103
"""Of a unix socket: the size of the system's sockaddr_un, less the zero at its end."""
RETRY_FULL_SECONDS = 60
"""Devices leave a full relay slowly; more frequent retries only cost both sides."""
RETRY_DRAINING_SECONDS = 5
"""About the duration of a restart."""

PENDING_CONNECTIONS = 512
"""Pending connections: before the join, or waiting for the end of their close. With TLS and a slow
head each takes 25 KB, 13 MB in all. A thousand devices that return at once pass in two groups."""
PENDING_GRACE_SECONDS = 3
"""For which a pending connection is not evicted: twice the duration of a handshake on a slow link.
After that a new one replaces the oldest, so that silent connections keep devices out no longer."""
SILENT_GRACE_SECONDS = 0.5
"""The same for a connection that has sent nothing: an honest client sends at once. Of a thousand
silent ones a second, each is evicted in time, and a device among them passes."""
CLOSING_GRACE_SECONDS = 0.25
"""The same for an unanswered close, which has reached most devices by then. With three seconds, 400
such connections a second delayed HAProxy's health checks, and it cut a relay's devices off."""
ACCEPTS_PER_TURN = 4
"""Accepts before the messages of joined devices are read: a millisecond's work, beside the four of
ROUND_SECONDS. With 16 a message waited twice as long while 1000 devices joined over TLS."""
JOIN_ROUND_SECONDS = 0.002
"""For which the hub serves connections that have not joined, before messages have their turn again:
one TLS handshake. Beside ROUND_SECONDS and the accepts it is 30 % of a core that is full of
messages; without messages, joins take all of it."""
JOIN_PAUSE_SECONDS = 0.05
"""For which no connection is accepted after a join round that left ready ones unserved, unless a
complete one ends it before: some ten turns of the reactor."""
JOIN_RATE_SECONDS = 1
"""Of waiting connections, over which the rate of joins is measured: hundreds of joins."""
LATE_JOIN_SECONDS = 5
"""The wait in the listen backlog above which upgrades are refused, so that a device has its answer
within HEAD_SECONDS: clients give up after 20 s, and serving one that has left is lost work."""
RETRY_LATE_SECONDS = (2, 60)
"""Bounds of the wait announced to such a device: the refusals are spread over the time that the
crowd takes at the measured rate, and the rest of a longer one is refused again."""
REJECTS_PER_TURN = 16
"""Connections closed in one turn when no descriptor is left for them."""
ACCEPT_PAUSE_SECONDS = 0.1
"""Until a port without room or descriptors accepts again: an imperceptible delay, in which the
relay is idle."""
PENDING_HEALTH_REQUESTS = 16
"""Connections to the socket of the health check: from this machine only, so one is enough."""
OTHER_FILES = 100
"""Open files beside devices and pending connections: listeners, log, reading of files, admin and
health check. 16 are always open, and ADMIN_CONNECTIONS and PENDING_HEALTH_REQUESTS may be added."""
MIN_OTHER_FILES = 40
"""The same under a low limit: the files that are always open, and a few simultaneous requests."""
OTHER_FILES_SHARE = 4
PENDING_FILES_SHARE = 4
"""Under a limit on open files that is too low for all, divides it into the part for pending
connections and as much for other files; the devices have the remaining half: of 256 they have 128,
of 1024 even 668. A smaller part for pending connections would delay returning devices: with a
quarter, half of all that there is room for pass at once."""
SELECT_SOCKETS = 512
"""The limit of Python's select() on Windows, where no other reactor watches descriptors.
With one more the reactor would loop without any effect."""
SELECT_FILES = SELECT_SOCKETS + 50
"""The limit on open files there: half of OTHER_FILES are not sockets."""

# Streams.

MAX_READ_BYTES = 260 * 1024
"""The largest read: four messages of 64 KiB and their headers. With 68 KiB each read took one of
them and a part of the next, at 34 us of CPU a message instead of 22."""
MIN_READ_BYTES = 16 * 1024
"""The smallest read, used while the memory for messages is full: a whole TLS record. A thousand
senders that were just paused may each have been read once more."""
ROOMY_BYTES = 4 * 1024 * 1024
"""Bytes held for all devices from which reads shrink: with 260 KiB for each of 500 pairs, a relay
that had memory for all of it took 146 MB instead of 60."""
ROOMY_SHARE = 4
"""Divides the memory for messages: if the quotient is less than ROOMY_BYTES, reads shrink from
there, and then also with the free memory."""
ONE_READ_BYTES = 64 * 1024
"""What the smallest read may add at most, with TLS: MIN_READ_BYTES, the kept part of a record, and
the memory for a cut one. The room of one message begins so much below it."""
PRESSED_SHARE = 2
"""Divides the memory for messages: above the quotient, channels and networks that hold more than
their shares are not read. The other part is for those below: a crowd that fills its share at once
leaves it to them."""
TRIM_FROM_BYTES = 2 * 1024 * 1024
TRIM_SECONDS = 10
"""Free memory is given back to the system if the bytes held have fallen by TRIM_FROM_BYTES from
their peak, which is looked at in this interval. It takes 3 ms."""
SHARE_MESSAGES = 2
"""Messages of the largest size that a share holds at least: one incoming, one outgoing. A crowd of
many channels would keep large messages of others waiting otherwise."""
SHARES_SECONDS = 0.05
"""For which measured shares of channels and networks are used, and between two looks at those above
them, for each thousand connections: each takes up to 5 ms for these, and a seventh of that for idle
ones; only while memory is short."""
STUCK_SHARES = 2
"""Shares of a channel or network above which its devices are closed that are in the middle of a
message, after UNFINISHED_SECONDS of waiting. In a burst of equal channels each holds one or two."""
RESUMED_AT_ONCE = 32
"""Waiting connections looked at in one turn of the reactor, a tenth of a millisecond."""
CHECKED_AT_ONCE = 500
"""The same of all connections when memory becomes short: two milliseconds."""
PRESSURE_TICK_SECONDS = 1
"""Between two looks at the reservations: one whose message did not go on by PROGRESS_BYTES is given
to others, and waits again."""
EVENTS_AT_ONCE = 16
"""Streams that the hub gets from the kernel at a time, between two reads of the clock."""
ROUND_SECONDS = 0.004
"""For which the hub serves streams before timers, new connections and other descriptors have their
turn: less than a network's jitter, and some 200 messages of 64 KiB."""
BUSY_CORE_SECONDS = 1
"""After the last round of the hub that took longer: until reads are measured no more."""
SHARED_CORE_SECONDS = 0.25
"""After reads for two addresses: until one that is left has the core without a limit. Honest
devices of a quiet relay send some messages a second."""
QUANTUM_SECONDS = 0.001
"""Of the core that a network may use ahead of its share, so that a device that sends seldom never
waits: twenty messages, or one of 1 MiB."""
HOLD_SECONDS = 0.05
"""Between two looks at all connections for those that have to wait, in a millisecond for a
thousand."""
TURN_DELIVERIES = 64
"""In one turn of a device while several networks want the core, and one message more, since a
message is not divided: half a millisecond, for which others wait. With 256 it was one, and the
median of others was 0.5 ms higher."""
TURN_BYTES = 1024 * 1024
"""Delivered bytes in such a turn, with the same purpose."""
TURN_FRAMES = 16
"""Frames that Autobahn reads in such a turn, at 30 us each."""
PIECES_AT_ONCE = 16
"""Pieces of one sendmsg(2). A message has two; joining is faster for many small ones."""

# One network address, and the networks around it.

LINE_FACTOR = 1.5
"""Share of an IPv6 /56, which a home line commonly has, in shares of one address: one and a half,
since it is one customer, and one of its /64 must leave something to the others where a provider
gives each customer a /64. A home line takes three eighths of the relay at most."""
SITE_FACTOR = 2
"""The same for an IPv6 /48, the largest network that one customer commonly has, and for an IPv4
/24, the smallest that is routed by itself: half of the relay at most. More than LINE_FACTOR, so
that one line leaves something to its neighbours, and at most half of SHARE_PER_ADDRESS, so that no
single site fills a relay. Behind a /24 there may be thousands of homes that share addresses
(CGNAT)."""
LINE_ADDRESSES = 4
"""A /56 has the devices of this many addresses at most: it matters if --max-per-address is far
below the share of a line, which one line must not take whole."""
SITE_ADDRESSES = 64
"""The same for a /48 and a /24, in which there may be many customers with their own addresses."""
PENDING_PER_ADDRESS = 64
"""Pending connections of one address: enough for 250 devices that return in one second and take a
quarter of one each; an evicted device retries. With SITE_FACTOR it is a quarter of
PENDING_CONNECTIONS."""
PENDING_PER_ADDRESS_SHARE = 4
"""If fewer may be pending, divides them into the part of one address, so that it locks no others
out."""
MIN_PENDING_PER_ADDRESS = 4
"""Devices of one household return together."""
OVERLOAD_REPORT_SECONDS = 1
"""For the request of a connection beyond the limit that an HTTP proxy forwards: the proxy has it
whole before it connects. Without a proxy such a connection is cut off at once."""
JOINS_AT_ONCE_PER_DEVICE = 2
"""Joins for each device of the limit: all return after a restart, and once more if that failed."""
JOIN_SECONDS_PER_DEVICE = 60
"""Until each device may join once more: the longest wait of a client's back-off."""
ARRIVALS_PER_JOIN = 2
"""Connections for each join, which leaves room for a failed attempt or a page. By default these are
8 a second, and their TLS handshakes take 0.6 % of a core; without a bound one address takes all."""
RESERVED_PER_ADDRESS = 4
"""Reserved slots of one address: connections admitted above its devices, or above those of the
relay, because they may replace one of these; until they join. With SITE_FACTOR half of
RESERVED_SLOTS. 250 devices that return at once, each for a quarter of a second, take 16."""
RESERVED_PER_CHANNEL = 4
"""Reserved slots of one channel, so that connections with an unknown address, or with the same one
behind a proxy that is not trusted, do not take all for one channel."""
DRAIN_CHANNELS_PER_ADDRESS = 4
"""Channels that a draining relay closes before their turn because an upgrade named them, which
needs no proof: as many vaults as one person has open. A device above that waits for the turn of its
channel, --drain-seconds at most."""
DRAIN_CHANNEL_SECONDS = 15
"""Until an address regains one of these: all within a minute, before its budget is dropped."""
IDLE_BUDGETS = 20_000
"""Empty budgets kept for the two minutes at most in which they have debts: 6 MB. An address has two
or three. A flood from more networks cannot be stopped by per-network limits."""

BUSY_DEVICES_PER_ADDRESS = 32
"""While other addresses want the core, the deliveries and bytes of one address are limited to those
of so many devices at their own limits: by default 64,000 deliveries a second, in short turns about
a quarter of the core, as SHARE_PER_ADDRESS has it. Wider networks have LINE_FACTOR and SITE_FACTOR
times as much."""
BUSY_BURST_SECONDS = 0.25
"""Of these rates, at once: as long as the core counts as wanted by others."""

# Access rules.

MIN_TOKEN_CHARS = 16
"""Characters of an access token. Random ones of half the length would outlast a century of guesses
at one address's rate of joins; but people choose words."""
MIN_TOKEN_VARIETY = 5
"""Different characters in a token, to exclude lines such as ---------------. Fewer than one in a
million random tokens of 16 hexadecimal digits have less."""
MAX_TOKENS = 10_000
"""Each token of a client is compared with all, 0.6 ms at most. A larger group has accounts
elsewhere, and a proxy that checks them."""
MAX_NETWORKS = 1000
"""Of one option. Each request is compared with all, in 0.15 ms; more belong in a firewall."""
MAX_CHANNELS_LISTED = 100_000
"""14 MB of memory, and a second to read. The length does not slow a look-up."""
MAX_FILE_BYTES = 16 * 1024 * 1024
"""Of any file of options: more than the longest list of channels with a comment on each line."""

# A connection's life.

HELLO_SECONDS = 10
"""From the 101 to the hello: one round trip and one signature, on a slow phone and a slow link."""
PING_SECONDS = 50
"""Below the 60 seconds after which common proxies and phone networks drop a silent connection."""
PING_JITTER = 0.1
"""The part of the interval by which pings are early: devices that joined together need not be
pinged together, and a lost one is found within the interval, the time for its pong, and two
ticks."""
PING_RANGE = announced.PING_SECONDS
"""The ping intervals that a device may request."""
PONG_SECONDS = 20
"""A phone's radio wakes within this."""
CLOSE_SECONDS = 5
"""After which a peer that does not answer a close is cut off."""
AFTER_CLOSE_BYTES = 8 * 1024 * 1024
"""Read of a device after the relay's close, to find its answer: more than was in flight. A device
that sends more is not read until it is cut off."""
AFTER_CLOSE_FRAME_BYTES = 8192
"""The charge for a frame that Autobahn reads, among these bytes, since it costs as much CPU."""
FRAME_READER_BYTES = 7 * 1024
"""The memory of an instance of Autobahn's protocol, which reads the frames that the relay does
not."""
SPARE_FRAME_READERS = 8
"""Unused instances kept for the next connection. A frame is mostly whole within one read, so that
one suffices; a few are in use for longer."""
STANDSTILL_SECONDS = 5
"""Between two ticks: the machine slept or was stopped, and messages of devices are unread.
Deadlines are checked one tick later."""
TICK_SECONDS = 1
"""Between two checks of the deadlines. One pass over all sessions is cheaper than a timer for each,
and no deadline here needs more precision."""
DRAIN_TICK_SECONDS = 0.1
"""The same while draining, so that closes are spread evenly."""

WATCH_SECONDS = 1
"""Between two checks of the files of options. They are read when two checks agree, since a renewal
writes a certificate and its key one after the other."""
READ_SECONDS = 10
"""For the files of options, which take a second or two at most. After it the operator is warned: a
network file system may not answer for hours."""
READ_SLICE_SECONDS = 0.001
"""Of parsing, for which a thread may hold Python's lock: a message waits that much longer."""
READ_REST_SECONDS = 0.002
"""After each slice, in which the lock is free. Parsing takes three times as long as without."""
READ_AGAIN_SECONDS = 600
"""Between two reads of unchanged files while one is invalid: a certificate that is not yet valid
becomes so, a network file system returns."""
TICKET_KEY_SECONDS = 86_400
"""The lifetime of a key for session tickets of TLS 1.2. A new one needs a read of the
certificates."""
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

# Memory.

HIGH_MARK = 256 * 1024
"""Queued for one receiver: above this its senders are not read. Fills a fast link for 20 ms."""
LOW_MARK = 64 * 1024
"""Below this its senders are read again, so that a link is never idle while they wait."""
CONTROL_RESERVE = 64 * 1024
"""Room for control messages and NACKs above a receiver's full queue."""
KERNEL_UNSENT = 64 * 1024
"""Unsent bytes in the kernel (TCP_NOTSENT_LOWAT). Its own buffers grow to megabytes, which the
ledger does not count and in which progress is invisible."""
PROGRESS_BYTES = 16 * 1024
"""The least progress: a few packets. A dying link passes some bytes now and then."""
BUSY_SECONDS = 5
"""Without progress in this time a receiver no longer pauses its senders."""
SLOW_SECONDS = 20
"""Without progress in this time a receiver is closed. Phones change networks faster."""
UNFINISHED_SECONDS = 10
"""In which a message that has begun must make progress, so that slow senders cannot hold memory."""
MEMORY_SHARE = 8
"""Divides the memory of the machine into `--max-buffer` and the rest, for the relay itself, its
connections, and other programs."""
MAX_DEFAULT_BUFFER = 256 * 1024 * 1024
"""The largest `--max-buffer` by default: 4096 queued messages of 64 KiB, and less than most expect
a relay to take. An eighth of 24 GB would be 3 GB; that is for the operator to decide."""
MIN_MESSAGES_HELD = 4
"""Messages of the largest size for which `--max-buffer` must have room: one incoming, one outgoing,
and as much again. With less, two devices could already be closed for lack of memory."""
MIN_BUFFER = MIN_MESSAGES_HELD * DEFAULT_MESSAGE_BYTES
"""The smallest `--max-buffer` by default, 4 MiB: also where the memory is unknown."""
RETRY_MEMORY_SECONDS = 60
"""The wait announced to a device that is closed with 4007."""
RESERVED_SLOTS = 16
"""Connections admitted to a full relay because their channel has devices here, so that a device can
replace its own dead connection; counted until they join."""
RESERVED_GRACE_SECONDS = PENDING_GRACE_SECONDS
"""For which a reserved slot is safe from eviction: from the 101 to the hello is one round trip and
one signature. It is safe for less if its network or its channel has lately held slots for longer
than those of the next device."""
RESERVED_DEBT_SECONDS = 60
"""After which the record expires that a network or channel held a slot for RESERVED_GRACE_SECONDS.
Holding all slots against others takes fresh ones all the time, 320 in each minute."""
RESERVED_GROUPS = 10_000
"""Networks and channels with such a record: 4 MB, and far more than those 320."""
RETRY_RESERVED_SECONDS = HELLO_SECONDS
"""For a device that finds all slots taken: by then each is free again, and a device that has a dead
connection to replace should not wait for longer."""

# Floods.

CONTROLS_PER_SECOND = 5
"""Control messages and pings of one device. An honest one sends a few in an hour."""
CONTROLS_BURST = 30
FRAMES_PER_SECOND = 1000
"""Frames of a device that are not whole data messages: fragments, pongs, control frames. A message
of 1 MiB in fragments of 4 KiB takes 256; before the join a few are enough."""
FRAMES_BURST = 2000
FRAGMENTS_PER_MESSAGE = 1024
"""Each fragment costs memory beside its bytes; 1 MiB in fragments of 1 KiB still passes."""
MIN_PAUSE_SECONDS = 0.01
"""The shortest pause of a device over its rate: shorter ones are not worth a timer, and rounding
could reduce one to nothing."""
RETRY_RATE_SECONDS = 30
"""The wait announced to a device that is closed with 4005."""

# Diagnosis: the evidence that a warning needs.

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

# The admin endpoint.

ADMIN_CONNECTIONS = 16
"""Simultaneous pending requests: a few scrapers and browsers, each for a moment. Part of
OTHER_FILES."""
SAMPLE_SECONDS = 10
"""Between two points of the status page's plots: finer than the eye resolves on a line of one
hour."""
HISTORY_SECONDS = 3600
"""The span of the plots: long enough to see what led to an event, and 7 KB in all."""
HISTORY_SAMPLES = HISTORY_SECONDS // SAMPLE_SECONDS
LAG_SECONDS = 0.25
"""Between two measurements of the delay of timers. A delay that matters to devices spans at least
one of them, and four a second take 0.04 % of a core."""
LAG_SAMPLES = 6
"""A minute, of which the worst delay is exported: scrapes are rarer than samples, and must not miss
one."""
REFRESH_SECONDS = 10
"""The interval of the status page's reload: there is no new sample sooner."""
MAX_NODES = 64
"""Relays of one cluster that a status page polls, each in a thread. A million devices take half."""
NODE_SECONDS = 1
"""For which the status page waits for the other relays: those that are up answer in a few
milliseconds, and a person waits for the page."""
NODE_STATUS_BYTES = 16 * 1024
"""Of a relay's /status.json, which is at most this large. Any more is not read."""
WARNING_CHARS = 2000
"""Of a warning of another relay: the longest sentence with a long file name."""

# The service manager.

STATUS_SECONDS = 15
"""Between two reports of the number of devices to systemd, if it has no watchdog interval.
People read it in systemctl status."""

# Drain.

DRAIN_RESERVE_SECONDS = 0.5
"""Of --drain-seconds, in which the process itself ends after the last connection is cut off."""
MIN_DRAIN_SECONDS = 1
"""For --drain-seconds 0: written bytes must leave the kernel before connections are cut off."""
ABORT_DRAIN_SECONDS = 0.5
"""For the answers of devices that are closed by a second signal: two round trips of a slow link."""
LAST_ANSWERS_SECONDS = 1
"""For requests that were accepted before the relay stopped listening. They are answered in a few
milliseconds, but for those of silent or slow clients."""
LAST_ANSWERS_TICK_SECONDS = 0.02
"""Between two checks whether they are done: a restart takes that much longer at most."""
DRAIN_RECONNECT = (2, 12)
"""The window from which each device draws its waiting time: 1000 returns in ten seconds are 100
handshakes a second, which one core serves."""

# HAProxy in front of several relays. Its own timeouts are in the printed configuration.

MAX_RELAYS = 1000
"""Behind one HAProxy, which checks the health of each every two seconds, in 0.1 ms."""
TABLE_SECONDS = 60
"""For which HAProxy remembers a channel by itself: twice its timeout for a relay's answer, and
longer than a device takes from its 101 to its hello and the relay then to announce it."""
CHANNELS_REMEMBERED = 2
"""For each device of the capacity: each may be the only one of its channel, and return once."""
RETRY_ELSEWHERE_SECONDS = 1
"""For a device that HAProxy sent to another relay than the rest of its channel: the next attempt is
routed to them."""
MIN_CHANNELS_REMEMBERED = 200_000
"""Even for few devices: more upgrades than three cores of HAProxy take in that time, over TLS.
HAProxy takes 480 bytes for each, and only as they come."""
PROXY_HANDSHAKE_SECONDS = PENDING_GRACE_SECONDS
"""For a TLS handshake with HAProxy, which unlike a relay cannot extend it while there is room."""
PROXY_HEAD_SECONDS = 5
"""For the request after it: one packet of a client, and one retransmission."""
HAPROXY_PENDING_SHARE = 16
"""Divides the connections of one address at HAProxy into the part without a request yet: a 64th of
all. An honest client sends its request in a tenth of these seconds."""
HAPROXY_MIN_PENDING_PER_ADDRESS = 16
"""Even for a small HAProxy: all devices of a household return at once."""
NETWORK_ADDRESSES = 2
"""A whole network, a /24 or an IPv6 /48, counts for this many addresses: half of all
connections."""
NETWORK_PENDING_ADDRESSES = 8
"""The same for connections without a request: an eighth of all."""
RECONNECTS_PER_MINUTE = ARRIVALS_PER_JOIN * JOINS_AT_ONCE_PER_DEVICE
"""New connections of one address in a minute at HAProxy, for each of its limit. A relay allows as
many at once; HAProxy pays for their handshakes."""
ANNOUNCE_TICK_SECONDS = 0.5
"""Between two announcements of channels to HAProxy."""
TICKS_A_ROUND = 20
"""In which each channel is announced once, so every ten seconds: with 25,000 a tick takes 3 ms,
and the round 0.6 % of a core, and 0.4 % in HAProxy."""
NEW_CHANNELS_A_TICK = 50
"""Channels with their first device, announced before their turn in the round."""
MAX_NEW_CHANNELS = 1000
"""Of these, queued: as many as are announced in a round. Any more wait for their own turn."""
ANNOUNCED_AT_FIRST = 2000
"""Channels in each tick for a HAProxy that has just connected, until all are announced: 5 ms."""
PEER_SILENT_SECONDS = 7
"""HAProxy sends a heartbeat every three seconds: two of these are missing. By then it may have
marked the relay as down, and routed its devices elsewhere."""
DOUBT_SECONDS = PING_SECONDS + PONG_SECONDS + 10
"""After such a silence: until devices that left without a close have missed their pong."""
ANNOUNCED_ROUNDS = 10
"""For which HAProxy keeps an announcement: longer than channels are in doubt, so that those that
are still here stay known."""
ANNOUNCED_SECONDS = int(ANNOUNCED_ROUNDS * TICKS_A_ROUND * ANNOUNCE_TICK_SECONDS)
PEER_MESSAGES_PER_SECOND = 100
"""Of one HAProxy. It sends heartbeats, and acknowledges what it has read: with 25,000 channels in
17 messages a second, while it learns all."""
PEER_MESSAGES_BURST = 500
"""After a moment in which one side was stalled."""
JOINS_A_ROUND = 20_000
"""More than a relay's core does in that time."""
MAX_HAPROXIES = 16
"""HAProxy processes to which one relay announces its channels: a few HAProxies, each reloaded a few
times in a moment."""


@dataclass(frozen=True)
class SessionLimits:
    """The limits of one session, as its operator chose; a rate of 0 is unlimited."""

    message_bytes: int = DEFAULT_MESSAGE_BYTES
    messages_per_second: int = DEFAULT_MESSAGES_PER_SECOND
    bytes_per_second: int = DEFAULT_BYTES_PER_SECOND
    channel_devices: int = DEFAULT_CHANNEL_DEVICES
    session_ttl: int = DEFAULT_SESSION_TTL
    ping_seconds: int = PING_SECONDS
