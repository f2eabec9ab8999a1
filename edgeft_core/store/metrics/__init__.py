"""The recorded numbers of one run in one SQLite file: a writer in the worker, readers anywhere.

Plain ``sqlite3`` rather than SQLAlchemy: the file never moves to another database, a batch is written in tens of
microseconds, and a page opens a reader in well under a millisecond. ``docs/storage.md`` describes the format.
"""
