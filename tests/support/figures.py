"""What a scrape of `/metrics` says."""

from __future__ import annotations

from collections import Counter, defaultdict

from prometheus_client.parser import text_string_to_metric_families

UP = "comptoir_process_up"


class Scrape:
    """One text, read as Prometheus would."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self._samples = [sample for family in families for sample in family.samples]
        told = Counter(line for line in text.splitlines() if line.startswith("#"))
        assert set(told.values()) == {1}, "each family is told of once"
        series = Counter((sample.name, *sorted(sample.labels.items())) for sample in self._samples)
        assert set(series.values()) == {1}, "each series is there once"
        assert all("process" in sample.labels for sample in self._samples)

    def by_process(self, name: str, **labels: str) -> dict[str, float]:
        """The values of the series with these labels, added up for each process."""
        found: defaultdict[str, float] = defaultdict(float)
        for sample in self._samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                found[sample.labels["process"]] += sample.value
        return dict(found)

    @property
    def up(self) -> dict[str, float]:
        return self.by_process(UP)

    @property
    def told(self) -> set[str]:
        """The processes that have told anything but whether they are up."""
        return {sample.labels["process"] for sample in self._samples if sample.name != UP}
