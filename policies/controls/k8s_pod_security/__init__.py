"""Kubernetes: pods have little power over their node, namespaces are closed, secrets stay in stores."""

from policies import Theme

control = Theme("k8s-pod-security", "Kubernetes workloads and namespaces").control
