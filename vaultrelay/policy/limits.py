"""Every limit and deadline of the relay, each with its reason, and nowhere else.

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
"""A small server's worth: at 17 KB each with TLS, the devices take less than the relay itself."""
SHARE_PER_ADDRESS = 4
"""The part of the relay that one network address may take is one in so many: with 1000 connections
an office of 250 devices behind one address fits, and no one address can fill the relay."""
LEAST_PER_ADDRESS = 64
"""A household with a full channel fits, on however small a relay."""
DEFAULT_SESSION_TTL = 3600
"""An app that sent nothing for an hour is asleep or forgotten; it joins again when it wakes."""
DEFAULT_MESSAGE_BYTES = 1024 * 1024
"""A vault's largest attachment chunk with room to spare, and small enough to hold many of."""
DEFAULT_MESSAGES_PER_SECOND = 2000
"""Deliveries. A tenth of what one core relays when each message comes alone."""
DEFAULT_BYTES_PER_SECOND = 16 * 1024 * 1024
"""Delivered bytes: 134 Mbit/s, more than a home connection uploads."""
DEFAULT_CHANNEL_DEVICES = 64
"""More devices than one person owns; bounds what one broadcast can cost."""
DEFAULT_DRAIN_SECONDS = 20
"""Spreads reconnecting devices. The systemd unit waits longer than this before it kills."""

NODE_NAME_CHARS = 32
"""Of --node-name, which stands in every welcome: a host's short name, or a word and a number."""

# The front door.

HEAD_BYTES = 8 * 1024
"""A request head. Browsers with cookies and proxies with their additions stay below it."""
HEAD_SECONDS = 10
"""From accept to a whole request, TLS handshake included: slow links make it, idlers do not."""
LISTEN_BACKLOG = 1024
"""All devices return at once after a restart; with 50, most of 1000 waited a second on TCP,
and were refused on a unix socket."""
UNIX_BACKLOG = 4096
"""The same on a unix socket, as many as Linux allows by itself. Who finds it full is refused at
once instead of waiting, and a proxy tries another relay, which parts a channel: with 50, of 3000
that came through HAProxy in one moment 1766 were refused, and 540 went to another relay."""
UNIX_PATH_BYTES = 107 if sys.platform.startswith("linux") else 103
"""Of a unix socket: what the system's sockaddr_un holds, without the zero at its end."""
RETRY_FULL_SECONDS = 60
"""Devices leave a full relay slowly; asking more often only costs both sides."""
RETRY_DRAINING_SECONDS = 5
"""A restart takes about this long."""

WAITING_CONNECTIONS = 512
"""At the front door, or waiting for the end of their close. With TLS and a head that comes slowly
each takes 25 KB, 13 MB in all. A thousand devices that return at once pass in two groups."""
WAITING_SURE_SECONDS = 3
"""For which a place at a crowded front door is sure: twice what a handshake takes on a slow link.
After that the oldest goes for the next, so that silent connections keep nobody out for longer."""
SILENT_SURE_SECONDS = 0.5
"""The same for who has not said a byte: an honest client speaks as soon as it is connected. A
thousand silent ones a second pass through the places then, and a device among them."""
CLOSE_SURE_SECONDS = 0.25
"""The same for who does not answer a close, which has reached most by then. With three seconds, 400
such connections a second kept HAProxy's health checks waiting, and it cut a relay's devices off."""
ACCEPTS_PER_TURN = 4
"""Connections that begin before what joined devices sent is read: a millisecond's work, beside the
four of ROUND_SECONDS. With 16 a message waited twice as long while 1000 devices joined over TLS."""
TURNED_AWAY_AT_ONCE = 16
"""Connections closed in one turn when no descriptor is left for them."""
ACCEPT_REST_SECONDS = 0.1
"""Before a port without room, or without descriptors, looks again: no device notices, and the
relay has nothing to do in between."""
HEALTH_WAITING = 16
"""Connections to the socket of the health check: this machine's own, of which one is enough."""
OTHER_FILES = 100
"""Open files beside the devices' and those that wait: listeners, log, reading of files, admin and
health check. 16 are always open, and ADMIN_CONNECTIONS and HEALTH_WAITING may come on top."""
LEAST_OTHER_FILES = 40
"""The same under a low limit: what is always open, and a few that ask at once."""
OTHER_FILES_SHARE = 4
WAITING_SHARE = 4
"""Under a limit on open files that is too low for all, one part in so many is set aside for each of
both, and the devices have the half that remains: of 256 they have 128, of 1024 even 668. A smaller
share for those that wait would keep returning devices out: with a quarter, half of all that there
is room for pass at once."""
SELECT_SOCKETS = 512
"""All that Python's select() takes on Windows, where no other reactor watches descriptors. One
more, and the reactor would turn round and round for nothing."""
SELECT_FILES = SELECT_SOCKETS + 50
"""The limit on open files there: half of OTHER_FILES are no sockets."""

# Streams.

MOST_READ_BYTES = 260 * 1024
"""Of one read: four messages of 64 KiB and their headers. With 68 KiB each read took one of them
and a part of the next, at 34 us of CPU a message instead of 22."""
LEAST_READ_BYTES = 16 * 1024
"""Of one read while the memory for messages is full: a whole TLS record. A thousand senders that
were just paused may have been read once more each."""
ROOMY_BYTES = 4 * 1024 * 1024
"""Reads are the largest until so much is held for all devices, and shrink from there on: with 260
KiB for each of 500 pairs, a relay that had memory for all of it took 146 MB instead of 60."""
ROOMY_SHARE = 4
"""Where one part in so many of the memory for messages is less, they shrink from there on, and then
with what is free, too."""
EVENTS_AT_ONCE = 16
"""Streams that the hub asks the kernel for at a time, between two looks at the clock."""
ROUND_SECONDS = 0.004
"""For which the hub serves streams before timers, new connections and other descriptors have their
turn: less than a network's jitter, and some 200 messages of 64 KiB."""
PIECES_AT_ONCE = 16
"""Pieces of one sendmsg(2). A message has two; more small ones are joined more quickly."""

# One network address, and the networks around it.

LINE_FACTOR = 1.5
"""A /56 of IPv6, what a home line commonly has, may have this many times what one address may: one
and a half, since it is one customer, and one of its /64 must leave something to the others where a
provider gives each customer a /64. A home line takes three eighths of the relay at most."""
SITE_FACTOR = 2
"""The same of a /48 of IPv6, the most that one customer commonly has, and of a /24 of IPv4, the
least that is routed by itself: half of the relay at most. More than LINE_FACTOR, so that one line
leaves something to its neighbours, and no more than half of SHARE_PER_ADDRESS, so that no site
fills a relay alone. Behind a /24 there may be thousands of homes that share addresses (CGNAT)."""
LINE_ADDRESSES = 4
"""A /56 has the devices of so many addresses at most: matters where --max-per-address is far below
the share of a line, and then one line is not to have all of that share."""
SITE_ADDRESSES = 64
"""The same of a /48 and a /24, in which there may be many customers with their own addresses."""
WAITING_PER_ADDRESS = 64
"""Connections at the front door, their handshakes under way. 250 devices that return in one second
and take a quarter of one each; a device that is cut off comes again. With SITE_FACTOR it is a
quarter of WAITING_CONNECTIONS."""
WAITING_PER_ADDRESS_SHARE = 4
"""Where fewer may wait, one address has one part in so many, so that it locks no others out."""
LEAST_WAITING_PER_ADDRESS = 4
"""Devices of one household return together."""
TOO_MANY_SECONDS = 1
"""For the request of one too many that a proxy for HTTP passes on, which it has whole before it
connects. Without a proxy such a connection is cut off at once."""
JOINS_AT_ONCE_PER_DEVICE = 2
"""For each device that may be there: all return after a restart, and once more if that failed."""
JOIN_SECONDS_PER_DEVICE = 60
"""After which each may join once more: the longest that a client's back-off waits."""
ARRIVALS_PER_JOIN = 2
"""Connections for each join, so that an attempt may fail, or a page be asked for. By default these
are 8 a second, whose TLS handshakes take 0.6 % of a core; without a bound one address takes all."""
RESERVED_PER_ADDRESS = 4
"""Reserved slots of one address: connections admitted beyond its devices, or beyond those of the
relay, because they may replace one of these; until they join. With SITE_FACTOR half of
RESERVED_SLOTS. 250 devices that come again at once, each for a quarter of a second, take 16."""
RESERVED_PER_CHANNEL = 4
"""Reserved slots for one channel, so that connections whose address is not known, or is the same
for all as behind a proxy that is not trusted, do not take all for one channel."""
DRAIN_CHANNELS_PER_ADDRESS = 4
"""Channels that a draining relay closes before their turn because an upgrade named them, which
needs no proof: as many vaults as one person has open. A device beyond that waits for the turn of
its channel, --drain-seconds at most."""
DRAIN_CHANNEL_SECONDS = 15
"""After which an address has one of these again: all within a minute, before it is forgotten."""
RESTING_BUDGETS = 20_000
"""Budgets kept of networks that have gone, for the two minutes at most in which they owe: 6 MB. An
address has two or three. More networks than that are not held off by looking at each."""

# Who may use the relay.

SHORTEST_TOKEN = 16
"""Characters of an access token. Guessed at the rate of joins of one address, half as many would
already last a century; but people choose words."""
LEAST_TOKEN_VARIETY = 5
"""Different characters in a token: a line such as ---------------- is none. Fewer than one in a
million random tokens of 16 hexadecimal digits have less."""
MOST_TOKENS = 10_000
"""All are compared with each that is given, 0.6 ms at most. More people than that have accounts
somewhere, and a proxy that knows them."""
MOST_NETWORKS = 1000
"""Of one option. Each request is held against all, in 0.15 ms; more belong to a firewall."""
MOST_CHANNELS_LISTED = 100_000
"""14 MB of memory, and 0.2 s to read. Finding one takes no longer for it."""
MOST_FILE_BYTES = 16 * 1024 * 1024
"""Of any file of options: more than the longest list of channels with a comment on each line."""

# A connection's life.

HELLO_SECONDS = 10
"""From the 101 to the hello: one round trip and one signature, on a slow phone and a slow link."""
PING_SECONDS = 50
"""Below the 60 seconds after which common proxies and phone networks forget a silent connection."""
PING_JITTER = 0.1
"""Of the interval, sooner: devices that came together need not be pinged together, and a lost one
is found within the interval, the time for its pong, and two looks at the deadlines."""
PING_RANGE = announced.PING_SECONDS
"""What a device may ask for."""
PONG_SECONDS = 20
"""A phone's radio wakes within this."""
CLOSE_SECONDS = 5
"""After which a peer that does not answer a close is cut off."""
AFTER_CLOSE_BYTES = 8 * 1024 * 1024
"""What is still read of a device that was sent a close, for the sake of its answer: more than was
under way. Whoever goes on after that is not read until he is cut off."""
AFTER_CLOSE_FRAME_BYTES = 8192
"""What a frame counts as among these that Autobahn reads, since it costs as much CPU."""
FRAME_READER_BYTES = 7 * 1024
"""What an instance of Autobahn's protocol takes, which reads the frames that the relay does not."""
SPARE_FRAME_READERS = 8
"""Such instances that wait for a connection that needs one. A frame is mostly whole within one
read, so that one goes round; a few are lent for longer."""
STANDSTILL_SECONDS = 5
"""Between two ticks: the machine slept or was stopped, and what devices sent lies unread. They get
another tick before they are judged."""
TICK_SECONDS = 1
"""How often deadlines are looked at. One pass over all sessions is cheaper than a timer for each,
and no deadline here needs to be kept more closely."""
DRAIN_TICK_SECONDS = 0.1
"""The same while draining, so that closes are spread evenly."""

WATCH_SECONDS = 1
"""How often the files of options are looked at. They are read when two looks have found the same,
since a renewal writes a certificate and its key one after the other."""
READ_AGAIN_SECONDS = 600
"""How often they are read again while something in them cannot be used, without a change: a
certificate that is not yet valid becomes so, a network file system comes back."""
TICKET_KEY_SECONDS = 86_400
"""For which one key encrypts the session tickets of TLS 1.2. It takes reading the certificates."""
TOLD_SECONDS = 60
"""How often the log tells what was only counted, such as refusals: soon enough for whoever watches
a first device fail, and one line a minute at most under an attack."""
FEW_HANDSHAKES = 8
"""Unfinished in that time, of PROBED_HANDSHAKES alone: a `vault-relay check` leaves three, and a
scan of a port as many. They are logged at info, and more of them as a warning."""
LOG_LINES_OF_A_KIND = 30
"""In that time; more of the same kind are counted. A quiet relay's whole story passes, and a client
that joins in a loop writes 3 KB a minute."""
LOG_KINDS = 200
"""Of lines that are told apart: more than the relay and its libraries have."""
LOG_LINE_BYTES = 40 * 1024
"""One line of JSON. The journal splits what is longer than 48 KB, and half an object is none. Ours
have 2 KB at most, unless an operator names the relay a hundred times."""
LOG_PLACES = 50
"""Of an exception in such a line, the innermost: more than any but an endless recursion has."""
PSEUDONYM_CHARACTERS = 6
"""Of 32 kinds, 30 bits: of 1000 devices in one day, two share one on a day in 2100."""
PSEUDONYM_SECONDS = 86_400
"""How long a key for pseudonyms is used, from midnight UTC on: whoever asks about a failure of
today is helped, and nobody can be followed from day to day."""

# Memory.

HIGH_MARK = 256 * 1024
"""Queued for one receiver: beyond this its senders are not read. Fills a fast link for 20 ms."""
LOW_MARK = 64 * 1024
"""Below this its senders are read again, so that a link is never idle while they wait."""
CONTROL_RESERVE = 64 * 1024
"""What control messages and NACKs may take beyond a receiver's full queue."""
KERNEL_UNSENT = 64 * 1024
"""What the kernel takes beyond what is on its way (TCP_NOTSENT_LOWAT). Its own buffers grow to
megabytes, which nobody counts and in which progress cannot be seen."""
PROGRESS_BYTES = 16 * 1024
"""What counts as progress: a few packets. A dying link passes some bytes now and then."""
BUSY_SECONDS = 5
"""Without progress in this time a receiver holds its senders up no longer."""
SLOW_SECONDS = 20
"""Without progress in this time a receiver is closed. Phones change networks faster."""
UNFINISHED_SECONDS = 10
"""In which a message that has begun must make progress, so that nobody keeps memory by dripping."""
MEMORY_SHARE = 8
"""`--max-buffer` is one part in so many of the memory that there is: beside it live the relay
itself, its connections, and the rest of the machine."""
LEAST_MESSAGES_HELD = 4
"""Of the largest size, for which `--max-buffer` must have room: one that comes in, one that goes
out, and as much again. With less, two devices alone would be closed for want of memory."""
LEAST_BUFFER = LEAST_MESSAGES_HELD * DEFAULT_MESSAGE_BYTES
RETRY_MEMORY_SECONDS = 60
"""What a device closed with 4007 is told to wait."""
RESERVED_SLOTS = 16
"""Connections admitted to a full relay because their channel has devices here, so that a device can
replace its own dead connection; counted until they join."""
RESERVED_SURE_SECONDS = WAITING_SURE_SECONDS
"""For which a reserved slot is sure where the next device finds none: from the 101 to the hello is
one round trip and one signature. It is sure for less where its network or its channel has held
slots for longer lately than those of the next device."""
RESERVED_DEBT_SECONDS = 60
"""After which it is forgotten that a network or channel held a slot for RESERVED_SURE_SECONDS. To
hold all slots against others takes fresh ones all the time, 320 in each minute."""
RESERVED_GROUPS = 10_000
"""Networks and channels of which that is remembered: 4 MB, and far more than those 320."""
RETRY_RESERVED_SECONDS = HELLO_SECONDS
"""For a device that finds all of these taken: by then each has joined or is gone, and a device that
has a dead connection to replace should not wait for longer."""

# Floods.

CONTROLS_PER_SECOND = 5
"""Control messages and pings of one device. An honest one sends a few in an hour."""
CONTROLS_BURST = 30
FRAMES_PER_SECOND = 1000
"""Frames of a device that are not whole data messages: fragments, pongs, control frames. A message
of 1 MiB in fragments of 4 KiB takes 256; before the join nobody needs more than a few."""
FRAMES_BURST = 2000
FRAGMENTS_PER_MESSAGE = 1024
"""Each fragment costs memory beside its bytes; 1 MiB in fragments of 1 KiB still passes."""
SHORTEST_REST_SECONDS = 0.01
"""Of a device over its rate: shorter ones are not worth their timer, and rounding could make one so
short that no time passes in it."""
RETRY_RATE_SECONDS = 30
"""What a device closed with 4005 is told to wait."""

# Diagnosis: from when on the relay believes what it sees.

DIAGNOSIS_SECONDS = 5
"""How often it looks: soon enough for who sets up a proxy and watches the log. It takes 0.2 ms with
a thousand devices."""
PROXY_FAULT_SECONDS = 3600
"""How long a fault of a proxy is reported after the last connection that showed it. Devices that
got 400 stay away, so one attempt may be all there is to see."""
PROXY_FAULTS_FROM_AFAR = 10
"""Of one kind from public addresses before they are reported: a scan of the Internet sends one or
two, devices behind a provider's proxy send more."""
CERTIFICATE_WARNING_DAYS = 14
"""ACME clients renew 30 days before the end: half of that has passed in vain."""
CROWD_DEVICES = 10
CROWD_CHANNELS = 3
"""Devices and vaults behind one address from which on it looks like a proxy, and not a family."""
SILENCES_KEPT = 32
SILENCES_ALIKE = 5
SILENCE_SPREAD_SECONDS = 2
SHORTEST_SILENCE_SECONDS = 5
"""Of the latest lost connections, so many that were silent for the same time, to a tick before and
after it, were cut off by a timeout. Below the shortest one it may be a client's own doing."""

# The admin endpoint.

ADMIN_CONNECTIONS = 16
"""Waiting there at once: a few scrapers and browsers, each for a moment. Part of OTHER_FILES."""
SAMPLE_SECONDS = 10
"""Between two points of the status page's plots: finer than an eye can tell on an hour's line."""
HISTORY_SECONDS = 3600
"""What the plots show: long enough to see what led to something, and 7 KB in all."""
HISTORY_SAMPLES = HISTORY_SECONDS // SAMPLE_SECONDS
LAG_SECONDS = 0.25
"""Between two looks at how late timers come. A delay that devices notice spans at least one of
them, and four looks a second take 0.04 % of a core."""
LAG_SAMPLES = 6
"""A minute, of which the worst delay is told: scrapes come less often than samples, and none must
be missed between two."""
REFRESH_SECONDS = 10
"""After which the status page loads itself anew: there is no new sample sooner."""
MOST_NODES = 64
"""Relays of one cluster that a status page asks, each in a thread. A million devices take half."""
NODE_SECONDS = 1
"""For which the status page waits for the others: those that live answer in a few milliseconds,
and a person waits for the page."""
NODE_STATUS_BYTES = 16 * 1024
"""Of a relay's /status.json, which has one at most. What comes after it is not read."""
FINDING_CHARS = 2000
"""Of what a relay notices, as it is told to others: the longest sentence with a long file name."""

# The service manager.

STATUS_SECONDS = 15
"""How often systemd is told the number of devices, if it is another one, and has no watchdog that
says how often it wants to hear of the relay. People read it in systemctl status."""

# Drain.

DRAIN_RESERVE_SECONDS = 0.5
"""Of --drain-seconds, in which the process itself ends after the last connection is cut off."""
SHORTEST_DRAIN_SECONDS = 1
"""For --drain-seconds 0: what was written must leave the kernel before connections are cut off."""
ABORT_DRAIN_SECONDS = 0.5
"""For the answers of devices that are closed by a second signal: two round trips of a slow link."""
LAST_ANSWERS_SECONDS = 1
"""For requests that had been taken when the relay stopped listening. They are answered in a few
milliseconds, but for those of silent or slow clients."""
LAST_ANSWERS_TICK_SECONDS = 0.02
"""Between two looks whether they are done: a restart takes that much longer at most."""
DRAIN_RECONNECT = (2, 12)
"""The window from which each device draws its waiting time: 1000 returns in ten seconds are 100
handshakes a second, which one core serves."""

# HAProxy in front of several relays. Its own timeouts stand in the configuration that is printed.

MOST_RELAYS = 1000
"""Behind one HAProxy. It asks each for its health every two seconds, which takes 0.1 ms."""
TABLE_SECONDS = 60
"""For which HAProxy remembers a channel by itself: twice as long as it waits for a relay's answer,
and longer than a device takes from its 101 to its hello and the relay then to announce it."""
CHANNELS_REMEMBERED = 2
"""For each device that there is room for: each may be alone in its channel, and return once."""
RETRY_ELSEWHERE_SECONDS = 1
"""For a device that HAProxy had sent to another relay than the rest of its channel: at the next
attempt it is led to them."""
LEAST_CHANNELS_REMEMBERED = 200_000
"""However few devices there are: more upgrades than three cores of HAProxy take in that time, over
TLS. HAProxy takes 480 bytes for each, and only as they come."""
PROXY_HANDSHAKE_SECONDS = WAITING_SURE_SECONDS
"""For a TLS handshake with HAProxy, which unlike a relay cannot wait longer where there is room."""
PROXY_HEAD_SECONDS = 5
"""For the request after it: one packet of a client, and one more that was lost."""
PENDING_SHARE = 16
"""Connections of one address without a request yet, as a part of all that it may have at HAProxy:
a 64th of all. An honest one brings its request in a tenth of these seconds."""
LEAST_PENDING_PER_ADDRESS = 16
"""However small HAProxy is: a household whose devices all return at once."""
NETWORK_ADDRESSES = 2
"""For how many addresses a whole network counts, a /24 or an IPv6 /48: half of all connections."""
NETWORK_PENDING_ADDRESSES = 8
"""The same for connections without a request: an eighth of all."""
RECONNECTS_PER_MINUTE = ARRIVALS_PER_JOIN * JOINS_AT_ONCE_PER_DEVICE
"""New connections of one address in a minute at HAProxy, for each that it may have. A relay allows
as many at once; HAProxy pays for their handshakes."""
ANNOUNCE_TICK_SECONDS = 0.5
"""How often a relay announces channels to HAProxy."""
TICKS_A_ROUND = 20
"""In which each channel is announced once, so every ten seconds: with 25,000 a tick takes 3 ms,
which no device notices, and the round 0.6 % of a core, and 0.4 % in HAProxy."""
NEW_CHANNELS_A_TICK = 50
"""Channels with their first device that need not wait for their round."""
MOST_NEW_CHANNELS = 1000
"""Of these, waiting: as many as are announced in a round. Any more wait for their own."""
ANNOUNCED_AT_FIRST = 2000
"""Channels in each tick for a HAProxy that has just connected, until it knows all: 5 ms."""
PEER_SILENT_SECONDS = 7
"""HAProxy says every three seconds that it is alive: two of these are missing. By then it may have
taken the relay for dead, and led its devices elsewhere."""
DOUBT_SECONDS = PING_SECONDS + PONG_SECONDS + 10
"""After such a silence: until devices that have gone without a word did not answer their ping."""
ANNOUNCED_ROUNDS = 10
"""For which HAProxy keeps what was announced: longer than channels are in doubt, so that those that
are still here are known meanwhile."""
ANNOUNCED_SECONDS = int(ANNOUNCED_ROUNDS * TICKS_A_ROUND * ANNOUNCE_TICK_SECONDS)
PEER_MESSAGES_PER_SECOND = 100
"""Of one HAProxy. It says that it is alive, and acknowledges what it has read: with 25,000 channels
in 17 messages a second, while it learns all."""
PEER_MESSAGES_BURST = 500
"""After a moment in which neither side came to it."""
JOINS_A_ROUND = 20_000
"""More than a relay's core does in that time."""
MOST_HAPROXIES = 16
"""Processes of HAProxy to which one relay announces its channels: a few HAProxies, each reloaded a
few times in a moment."""


@dataclass(frozen=True)
class SessionLimits:
    """What one device is held to, as its operator chose; a rate of 0 is none."""

    message_bytes: int = DEFAULT_MESSAGE_BYTES
    messages_per_second: int = DEFAULT_MESSAGES_PER_SECOND
    bytes_per_second: int = DEFAULT_BYTES_PER_SECOND
    channel_devices: int = DEFAULT_CHANNEL_DEVICES
    session_ttl: int = DEFAULT_SESSION_TTL
    ping_seconds: int = PING_SECONDS
