"""The order domain, pure: what an order is and what may happen to it."""
