"""The kit's own tool: the embedded cloud, its command line and the checks. Never runs in Lambda."""
