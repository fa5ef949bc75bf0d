"""A Kubernetes cluster on one machine: containers are processes, a gateway is an Envoy, the rest is stored objects.

`cluster` stores objects, `objects` makes them resources, `pods` turns a pod template into processes,
`deployments` and `jobs` run them, `routes` and `envoy` say what a gateway's Envoy is told, `proxy` and `gateways`
run it, `inventory` reads what stands.
"""
