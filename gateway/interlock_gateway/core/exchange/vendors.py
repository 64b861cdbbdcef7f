"""What there is to know about each kind of system that actions reach over HTTP.

A new vendor is a word in `Dialect`, an entry here, and its actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from interlock_gateway.core.model import Dialect, Scheme


@dataclass(frozen=True, slots=True)
class Vendor:
    """One kind of system.

    Attributes:
        title: its name, for people.
        about: a path at which it says what it is.
        version: a JSON pointer into that answer; "" where it does not say.
        private: a path that answers nobody without a credential, where the system asks for any.
        scheme: how its credentials are usually sent.
        trial: the query's key and value with which the server only tries a change, if any.
    """

    title: str
    about: str
    version: str
    private: str
    scheme: Scheme = Scheme.BEARER
    trial: tuple[str, str] | None = None


VENDORS: Mapping[Dialect, Vendor] = {
    # https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    Dialect.ALERTMANAGER: Vendor(
        "Alertmanager", "/api/v2/status", "/versionInfo/version", "/api/v2/status"
    ),
    # https://docs.getunleash.io/reference/api/unleash: tokens go into the header as they are
    Dialect.UNLEASH: Vendor("Unleash", "/health", "", "/api/admin/projects", Scheme.PLAIN),
    # https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/
    Dialect.ARGOCD: Vendor("Argo CD", "/api/version", "/Version", "/api/v1/projects"),
    # https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
    Dialect.KUBERNETES: Vendor(
        "Kubernetes", "/version", "/gitVersion", "/apis", trial=("dryRun", "All")
    ),
}
"""Every kind, by its dialect."""
