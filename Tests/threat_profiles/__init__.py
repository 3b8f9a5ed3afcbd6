"""The pack ThreatProfiles on the host, with emulated news sites."""
