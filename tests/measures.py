"""What the operator's doors of a house show."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Shown:
    """The measures of one service, at one moment."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in families for sample in family.samples]
        self.names = {sample.name for sample in self.samples} | {
            _exposed(family.name, family.type) for family in families
        }

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        wanted = labels.items()
        return sum(sample.value for sample in self.samples if sample.name == name and wanted <= sample.labels.items())


def shown(port: int) -> Shown:
    """What the service at this port of loopback shows."""
    return Shown(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).raise_for_status().text)


def _exposed(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else f"{name}_bucket" if kind == "histogram" else name
