"""Pod Security Admission, as labels of a namespace."""

from __future__ import annotations

from components.cluster.settings import KUBERNETES_VERSION


def restricted(version: str = KUBERNETES_VERSION) -> dict[str, str]:
    """Labels that refuse every pod outside the restricted profile as that Kubernetes version defines it."""
    labels: dict[str, str] = {}
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        labels[f"pod-security.kubernetes.io/{mode}-version"] = f"v{version}"
    return labels
