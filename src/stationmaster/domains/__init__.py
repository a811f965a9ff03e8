"""The rooms, in one order: a higher room may speak to a lower one's service, never the other way round."""
