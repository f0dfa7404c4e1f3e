"""The errors of Atlas. Each says what is wrong, names the thing, and says what to do next.

AtlasError                    anything that Atlas itself reports; the command line prints it as one line and exits 2
├── ConfigurationError        a key, value or file of the configuration
├── BadInput                  a file, recording, instrument or argument that was handed to Atlas
│   └── UnknownInstrument     nothing goes by that name
├── Unavailable               a peer, database or port that is not there, or not in time
│   ├── Refused               it is there and said no: wrong key, wrong account, wrong mode
│   └── OutcomeUnknown        it was asked, and no answer came: what was asked for may have been done
└── CorruptJournal            a journal that is damaged in its middle (a torn tail is repaired, not an error)
"""


class AtlasError(Exception):
    """Base of all errors that Atlas reports to people. Its text is one line."""


class ConfigurationError(AtlasError):
    """A key, value or file of the configuration is wrong."""


class BadInput(AtlasError):
    """Something handed to Atlas cannot be used."""


class UnknownInstrument(BadInput):
    """No instrument goes by that name here."""


class Unavailable(AtlasError):
    """Something that Atlas needs is not there, or did not answer in time. The outcome of a request is unknown."""


class Refused(Unavailable):
    """The other side is there and refuses us."""


class OutcomeUnknown(Unavailable):
    """A request left and no answer came. Nobody may take that for a failure: ask for the state before trying again."""


class CorruptJournal(AtlasError):
    """A journal is damaged before its end."""
