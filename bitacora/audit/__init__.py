"""What the stores hold, compared: the event store is the truth, everything else follows from it."""
