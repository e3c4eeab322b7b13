"""What can go wrong while provisioning; each message is complete for a person."""


class ProvisionError(Exception):
    """The program can't be provisioned; the message says what, where and why."""


class Refused(ProvisionError):
    """The program differs from what runs, and not in a way that can be changed in place."""
