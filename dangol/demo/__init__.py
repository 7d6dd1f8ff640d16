"""A ready shop: customers, half a year of events and four playbooks, the same for the same day and seed."""
