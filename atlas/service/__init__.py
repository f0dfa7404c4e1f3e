"""The skeleton that every service shares: configuration, lifecycle, control socket, metrics, logs."""
