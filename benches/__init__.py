"""What must be quick, measured against what it is compared with, in the same run."""
