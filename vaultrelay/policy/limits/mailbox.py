"""Limits of the mailbox: of what is stored, and of the thread that stores it."""

ITEM_COST = 256
"""Bytes that an item counts beside its payload, for its row and index entries: 120 to 250. Unused
parts of pages come on top: 300 bytes with payloads of 1 KiB, 1900 at worst, with 2 KiB."""
CHANNEL_COST = 512
"""Bytes that a channel counts beside its items, for as long as its row is kept: otherwise channels
whose items are erased again would grow the file without bound. It takes 100, and more after
restarts."""
DEFAULT_RETENTION_SECONDS = 7 * 86400
"""Phones sleep over a weekend, and the quotas bound the rest."""
DEFAULT_ITEM_BYTES = 64 * 1024
"""The usual size of a message. Larger items cost memory: with 256 KiB the peak of replays is 8 MB
higher."""
DEFAULT_CHANNEL_BYTES = 10 * 1024 * 1024
DEFAULT_CHANNEL_ITEMS = 10_000
DEFAULT_TOTAL_BYTES = 1024**3
TOKEN_SHARE = 10
"""Divides the total into what the channels of one access token may hold."""
DEFAULT_FREE_BYTES = 64 * 1024 * 1024
"""Free space of the file system that the mailbox leaves to others, such as the system's log."""

MAX_BATCH_PUTS = 64
MAX_BATCH_BYTES = 1024 * 1024
"""PUTs in one transaction: 3000 a second. Their answers leave in one go, for which live messages
wait: with 256 the median of these is five times as long beside senders of small items."""
COMMIT_SECONDS = 0.02
"""From one commit to the next: at most 50 fsyncs a second, which flash memory and busy disks stand.
A PUT after a pause is committed at once."""
MAX_WAITING_BYTES = 4 * 1024 * 1024
"""PUTs that wait for the thread: more than a slow disk writes in a second. Above it they are
refused as busy."""
MAX_WAITING_PUTS = 16_384
"""As many of 256 bytes."""
WAITING_PUT_BYTES = 400
"""Memory of a PUT that waits, without its message: its fields, and the callback for its answer."""
PAGE_BYTES = 64 * 1024
"""Items read at once for one device: as much as the kernel takes for one connection."""
MAX_PAGES = 2
"""Pages that are read at once, for all devices: one is read while another is sent. With 4
the peak of replays is up to 3 MB higher, and they take as long."""
SLICE_ITEMS = 100
SLICE_BYTES = 256 * 1024
"""Items deleted in one transaction, at most 14 ms. Their pages are overwritten, so it needs as much
space as it deletes, which on a full disk must fit into the reserve."""
SLICE_PAGES = 64
"""Pages of the file given back to the file system at once."""
KEPT_FREE_PAGES = 256
"""Unused pages of 4 KiB that stay in the file for the next items: giving them back costs four times
as much as using them again."""
FREE_PAGES_SHARE = 16
"""Divides the pages of the file into those that may be unused beside KEPT_FREE_PAGES."""
HOUSEKEEPING_SECONDS = 10
"""From one look for expired items to the next. Expiry is by the minute."""
RETRY_SECONDS = 10
"""From one attempt to the next to use a full or failing disk."""
CHECK_SECONDS = 86400
"""From one check of the whole file to the next, which reads it: half a second for 450 MB that are
cached."""
STOP_SECONDS = 2
"""What a stop waits for the thread. PUTs without STORED are sent again."""
CACHE_KIBIBYTES = 256
"""SQLite's page cache. With 1 MiB nothing was quicker."""
CHECKPOINT_PAGES = 256
"""Pages in the write-ahead log before SQLite copies them into the file: 1 MiB."""
FIRST_CHECK_SECONDS = 600
"""After the start, when the devices have returned."""
BACKUP_PAGES = 64
"""Pages copied between two looks at the waiting PUTs, in about 2 ms."""
RESERVE_BYTES = 1024 * 1024
"""A file that is given up when the disk is full, as deleting needs space, too: a slice of expired
items, in the write-ahead log and in the file."""

CLOCK_SAVED_SECONDS = 3600
"""From one write of the store's clock into the file to the next."""
MAX_CLOCK_STEP_SECONDS = 86400
"""A wall clock that is further off than this is not believed at once..."""
CLOCK_TRUST_SECONDS = 86400
"""...but after this time in which it goes on evenly."""
EVEN_CLOCK_SECONDS = 60
"""By which it may deviate in that time: more than NTP slews in a day."""
MAX_DAMAGED_ITEMS = 100
"""Items found damaged between two slices. More is no flipped bit but a failing disk."""
MAX_JOBS = 64
"""Erases and commands that wait for the thread. Each costs two fsyncs or more."""
START_SECONDS = 2
"""The start waits for the store to be opened, so that a folder that cannot be used is an error of
the start. A disk that does not respond does not hold it up for longer."""
WINDOW_BYTES = 256 * 1024
"""PUTs of one device that wait for the store: what a device sends within a few commits."""
PUTS_PER_TURN = 16
"""PUTs of a device between two turns of the core: half a millisecond, for which live messages wait.
Without a bound a read of 260 KiB with 243 PUTs takes 7 ms, and each of 64 senders has one."""
PUT_SECONDS = 0.000027
"""Of the core for one PUT of 1 KiB; a message in a flood takes a thirtieth of it."""
PUT_MEMORY_SHARE = 4
"""Divides `--max-buffer` into what waiting PUTs may hold, up to MAX_WAITING_BYTES. When they could
hold half of it, messages between devices waited for memory while the disk was slow."""
FEW_PUTS_SHARE = 4
"""Divides what waiting PUTs may hold. Above the result, `room` is sent only to devices whose groups
hold little or that have waited for long: 1 MiB, about one transaction."""
ROOMS_AT_ONCE = 4
"""Devices that are told so at once: their windows are as much again."""
ROOM_SECONDS = 60
"""After a refusal for want of room in the store, until the device may try again: items expire by
the minute."""
DEFAULT_ADDRESS_BYTES = 10 * 1024 * 1024
"""That one address may store in a day while anyone may: one full channel."""
DAY_SECONDS = 86_400
MAX_PAYING_NETWORKS = 20_000
"""Networks whose bytes of a day are remembered: 3 MB."""
SAFE_SQLITE = (3, 51, 3)
"""Since then two connections cannot damage a write-ahead log (https://sqlite.org/wal.html)."""
