//! OpenTelemetry trace JSON to a halo dataset, with every reject counted.
