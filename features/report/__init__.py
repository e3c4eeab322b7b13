"""What a run of the scenarios showed, as one page for people: promises, verdicts, faults, times."""
