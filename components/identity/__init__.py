"""Workload identities in every cloud: pods log in by their cluster's token; there is no password.

Order of creation: identities (databases name them), databases, clusters, then federation, which makes each cloud
trust the token issuers of all clusters.
"""
