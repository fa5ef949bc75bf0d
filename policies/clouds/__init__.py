"""What several controls know of the clouds: data stores, regions, policy documents, tags, replication."""
