"""The gallery of broken twins: defects that somebody might have made, each found by a promise."""
