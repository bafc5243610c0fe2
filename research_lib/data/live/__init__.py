"""Data from the network. `pull_…` touches it and keeps what comes as snapshots; studies only ever read those."""
