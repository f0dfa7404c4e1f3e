"""The gateway container: what stands between Atlas and the broker."""
