"""Cluster add-ons by pinned charts, and what each cloud lets them do."""
