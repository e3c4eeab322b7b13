"""What can go wrong while provisioning; each message is complete for a person."""


class ProvisionError(Exception):
    """The program can't be provisioned; the message says what, where and why."""


class Refused(ProvisionError):
    """The program differs from what runs in a way that can't be changed in place; nothing was done."""
