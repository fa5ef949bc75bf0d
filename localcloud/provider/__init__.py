"""One gRPC ResourceProvider that stands in for the AWS, Azure, Google Cloud and Kubernetes providers."""
