"""Settings: frozen dataclasses, and Hydra's command line as plain mappings."""
