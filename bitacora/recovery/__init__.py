"""The way back on a target: what is parked, what nobody could handle, what a stream lost."""
