"""The fulfilment service, pure: what it ships when orders are confirmed or cancelled."""
