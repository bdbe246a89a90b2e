"""ttc: the sweep engine for test-time compute."""
