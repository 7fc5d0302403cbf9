"""Opens a database, and prints the version of SQLite, its journal and its options: package.py puts
this into the folder of Twisted's plugins, so that the program imports it when it looks for one.
"""

import sqlite3
from contextlib import closing
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/probe.db")) as database:
    (journal,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
    (secure_delete,) = database.execute("PRAGMA secure_delete = ON").fetchone()
    database.execute("CREATE TABLE item (row INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
    with database:
        database.execute("INSERT INTO item VALUES (1, ?)", (b"ciphertext",))
    ((payload,),) = database.execute("SELECT payload FROM item").fetchall()
    options = [option for (option,) in database.execute("PRAGMA compile_options")]
print("sqlite", sqlite3.sqlite_version, journal, secure_delete, payload.decode(), *options)
