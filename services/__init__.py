"""The containers' programs: thin shells of sockets, database and broker around what `atlas` decides."""
