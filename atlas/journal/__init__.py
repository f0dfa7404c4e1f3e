"""The append-only event log: checksummed, durable by group commit, readable while it is written, replayable."""

from atlas.journal.inspection import Report, cat, verify
from atlas.journal.journal import SEGMENT_BYTES, Journal
from atlas.journal.reading import read

__all__ = ["SEGMENT_BYTES", "Journal", "Report", "cat", "read", "verify"]
